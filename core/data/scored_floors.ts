import { countNgrams, type NgramFloor, ngramFloors, unigramLaw } from "./ngram_floors.ts";
import type { TokenizerKind } from "./tokenizer.ts";

/** Highest order of the floors that stand beside every model. */
const MAX_ORDER = 2;

/**
 * Floors of orders 1 and 2 of the tokens that a model is scored on, `ids[1..targets]`, counted on the ids `train`.
 * The token before them is context alone, as it is for the model (docs/mathematics.md §2).
 *
 * @throws {DataError} If no token is scored
 * @throws {RangeError} If an id is outside the vocabulary
 */
export function scoredFloors(ids: Int32Array, options: {
  /** Number of tokens scored. */
  readonly targets: number;
  readonly train: Int32Array;
  readonly tokenizer: { readonly kind: TokenizerKind; readonly vocabularySize: number };
}): readonly NgramFloor[] {
  const { targets, train, tokenizer: { kind, vocabularySize } } = options;
  const counts = countNgrams(train, { vocabularySize, maxOrder: MAX_ORDER });
  return ngramFloors(ids.subarray(0, targets + 1), counts, { unigram: unigramLaw(kind), first: 1 });
}
