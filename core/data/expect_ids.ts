import { DataError } from "../errors.ts";
import { IGNORED_TARGET } from "../ops/target_mask.ts";
import type { Batch } from "./cut_windows.ts";

/** A vocabulary, and what the ids are, for the message. */
export interface IdRange {
  /** V; ids are 0..V-1. */
  readonly vocabularySize: number;
  /** E.g. "the training tokens". */
  readonly what: string;
}

/**
 * Refuses what is no integer, and ids outside the vocabulary. A kernel that reads a row outside a table gives zeros or the
 * last row and says nothing, so ids are checked before they are uploaded.
 *
 * @throws {DataError} On the first such id; the message has the id, its position and V
 */
export function expectIds(ids: ArrayLike<number>, range: IdRange): void {
  const { vocabularySize } = range;
  for (let i = 0; i < ids.length; i++) {
    const fits = Number.isInteger(ids[i]) && ids[i] >= 0 && ids[i] < vocabularySize;
    if (!fits) throw foreignId(ids[i], { ...range, at: i });
  }
}

/**
 * Refuses windows with a token outside the vocabulary, or a target that is neither in it nor
 * `IGNORED_TARGET` (-100), which adds nothing to a loss or its count.
 *
 * @throws {DataError} On the first such id; the message has the id, its position and V
 */
export function expectBatch({ tokens, targets }: Batch, range: IdRange): void {
  const { vocabularySize, what } = range;
  expectIds(tokens, { vocabularySize, what: `tokens of ${what}` });
  for (let i = 0; i < targets.length; i++) {
    const id = targets[i];
    if ((id >= 0 && id < vocabularySize) || id === IGNORED_TARGET) continue;
    throw foreignId(id, { vocabularySize, what: `targets of ${what}`, at: i });
  }
}

function foreignId(id: number, range: IdRange & { readonly at: number }): DataError {
  const { vocabularySize, what, at } = range;
  return new DataError(
    `Cannot use ${what}: expected ids in 0..${vocabularySize - 1} (V = ${vocabularySize}), ` +
      `got ${
        typeof id === "number" ? id : `"${id}"`
      } at position ${at}; encode the text with the tokenizer of this vocabulary`,
  );
}
