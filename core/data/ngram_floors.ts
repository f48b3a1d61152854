/**
 * N-gram floors: how well counting alone predicts a held-out text. A model is worth reporting only
 * beside these numbers.
 *
 * Source: Witten, Bell, "The zero-frequency problem", IEEE Transactions on Information Theory 37
 * (1991), method C, interpolated: p_k(w|h) = (c(h,w) + T(h) p_{k-1}(w|h')) / (c(h) + T(h)), where h
 * is the k-1 tokens before w, h' is h without its first token, T(h) the number of distinct tokens
 * seen after h, and p_0 = 1/V. An unseen h gives p_{k-1}. At the first positions of the text h is as
 * long as the text allows. Large vocabularies take p_1(w) = (c(w) + 1) / (N + V) instead, N = training
 * tokens: the usual unigram of words (docs/mathematics.md §2).
 */
import { DataError } from "../errors.ts";
import { naturalLog } from "../random/natural_log.ts";
import { NgramCounts } from "./ngram_counts.ts";
import type { TokenizerKind } from "./tokenizer.ts";

/** Largest order; beyond it memory grows and the numbers do not improve. */
export const MAXIMUM_ORDER = 6;

/** How order 1 is smoothed; all higher orders are Witten-Bell. */
export type UnigramLaw = "witten-bell" | "add-one";

/** Bytes are counted with Witten-Bell throughout, words and GPT-2 tokens with an add-one unigram. */
export function unigramLaw(kind: TokenizerKind): UnigramLaw {
  return kind === "byte" ? "witten-bell" : "add-one";
}

/** Floor of one order. */
export interface NgramFloor {
  /** 1 = unigram, 2 = bigram, … */
  readonly order: number;
  /** Mean negative natural logarithm of the probability of the held-out tokens. */
  readonly natsPerToken: number;
}

/**
 * Counts the n-grams of orders 1..maxOrder of training ids, shape (tokens). Byte ids may be given as
 * the text itself, since ids are bytes.
 *
 * @throws {RangeError} If an id is outside 0..vocabularySize-1 or the order outside 1..6
 */
export function countNgrams(
  train: Uint8Array | Int32Array,
  options: { readonly vocabularySize: number; readonly maxOrder: number },
): NgramCounts {
  const { vocabularySize, maxOrder } = options;
  if (!Number.isInteger(maxOrder) || maxOrder < 1 || maxOrder > MAXIMUM_ORDER) {
    throw new RangeError(`Cannot count n-grams of order ${maxOrder}: expected 1..${MAXIMUM_ORDER}`);
  }
  refuseForeignIds(train, vocabularySize);
  const counts = new NgramCounts(vocabularySize, maxOrder);
  counts.add(train);
  return counts;
}

/**
 * Floors of all counted orders, lowest first, for held-out ids, shape (tokens), from position `first` on: those
 * before it are context alone, none unless said otherwise. The unigram law is "witten-bell" unless said otherwise.
 *
 * @throws {DataError} If there are no held-out ids
 * @throws {RangeError} If an id is outside the vocabulary
 */
export function ngramFloors(
  heldOut: Uint8Array | Int32Array,
  counts: NgramCounts,
  options: { readonly unigram?: UnigramLaw; readonly first?: number } = {},
): readonly NgramFloor[] {
  const { unigram = "witten-bell", first = 0 } = options;
  if (heldOut.length <= first) {
    throw new DataError("Cannot compute n-gram floors of an empty text");
  }
  refuseForeignIds(heldOut, counts.vocabularySize);
  return Array.from(sumOfLogs(heldOut, { counts, unigram, first }), (total, k) => ({
    order: k + 1,
    natsPerToken: -total / (heldOut.length - first),
  }));
}

/** Entry k-1: the sum of log p_k over all positions from `first` on. */
function sumOfLogs(ids: Uint8Array | Int32Array, { counts, unigram, first }: {
  readonly counts: NgramCounts;
  readonly unigram: UnigramLaw;
  readonly first: number;
}): Float64Array {
  const { maxOrder, vocabularySize } = counts;
  const totals = new Float64Array(maxOrder);
  // contexts[d] = node of the d tokens before this position, -1 where unseen; the root has d = 0.
  let contexts = new Int32Array(maxOrder + 1).fill(-1);
  let next = new Int32Array(maxOrder + 1).fill(-1);
  contexts[0] = next[0] = NgramCounts.ROOT;
  for (let position = 0; position < ids.length; position++) {
    const id = ids[position];
    let p = 1 / vocabularySize;
    for (let depth = 0; depth < maxOrder; depth++) {
      const context = contexts[depth];
      const node = context < 0 ? -1 : counts.child(context, id);
      if (context >= 0) {
        // Add-one is the same mixture with V in place of T: (c + V / V) / (N + V).
        const kinds = depth === 0 && unigram === "add-one" ? vocabularySize : counts.kinds(context);
        const total = counts.followers(context);
        if (total > 0) p = ((node < 0 ? 0 : counts.count(node)) + kinds * p) / (total + kinds);
      }
      if (position >= first) totals[depth] += naturalLog(p);
      next[depth + 1] = node;
    }
    [contexts, next] = [next, contexts];
  }
  return totals;
}

function refuseForeignIds(ids: Uint8Array | Int32Array, vocabularySize: number): void {
  for (const id of ids) {
    if (!(id >= 0 && id < vocabularySize)) {
      throw new RangeError(`Cannot count token ${id}: expected an id in 0..${vocabularySize - 1}`);
    }
  }
}
