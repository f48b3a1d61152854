/**
 * Training batches in a random order that depends on the seed alone.
 *
 * Symbols: T = training tokens, N = tokens per window, L = tokens per block (a multiple of N), B =
 * windows per batch. An epoch skips an offset in 0..L-1, cuts the next tokens into floor(T/L) - 1
 * blocks of L and visits the blocks in a random permutation, each block's L/N windows in text order.
 * Offset and permutation are values of the streams "order/offset" and "order" at the epoch, so any
 * step is reachable without the earlier ones, and all arms of an experiment see the same batches.
 *
 * Windows may reach over the end of a document: the text is one sequence.
 *
 * What each length sees: an update of B N tokens takes the next B N tokens of the block sequence.
 * Runs of different N with equal L and equal B N therefore train on exactly the same tokens at every
 * update, cut into windows of different length, where B N is a multiple of L. With L = N, the
 * default, every length has its own permutation: over an epoch each sees all blocks once, but after
 * s updates two lengths have seen equally many tokens, not the same ones.
 */
import { DataError } from "../errors.ts";
import { permutation } from "../random/permutation.ts";
import { bits, stream } from "../random/streams.ts";
import { type Batch, cutWindows } from "./cut_windows.ts";

/** Shape and order of the batches. */
export interface BatchOptions {
  /** N, tokens per window. */
  readonly seqLen: number;
  /** B, windows per batch. */
  readonly batchSize: number;
  /** Unsigned 32-bit seed of the order. */
  readonly seed: number;
  /**
   * L, tokens per block, a multiple of `seqLen`.
   * @default seqLen
   */
  readonly blockLength?: number;
}

/** The batches of a run. */
export interface TrainingBatches {
  /** Windows in one epoch; window g of the run belongs to epoch floor(g / windowsPerEpoch). */
  readonly windowsPerEpoch: number;
  /** Where each of the B windows of a step begins in the training tokens. */
  readonly startsAt: (step: number) => readonly number[];
  /** The batch of a step, 0-based. A pure function of the step. */
  readonly at: (step: number) => Batch;
}

/**
 * Batches of windows of the training tokens `ids`, shape (T).
 * @throws {DataError} If T < 2 L, so that no block fits behind every offset
 * @throws {RangeError} If a size is not a positive integer or L is not a multiple of N
 */
export function trainingBatches(ids: Int32Array, options: BatchOptions): TrainingBatches {
  const { seqLen, batchSize, blockLength = seqLen } = options;
  refuseBadSizes({ seqLen, batchSize, blockLength });
  const blocks = Math.floor(ids.length / blockLength) - 1;
  if (blocks < 1) {
    throw new DataError(
      `Cannot cut training windows: expected at least ${2 * blockLength} tokens for blocks of ` +
        `${blockLength}, got ${ids.length}; use a longer text or a smaller seq_len`,
    );
  }
  const perBlock = blockLength / seqLen;
  const windowsPerEpoch = blocks * perBlock;
  const epochOrder = rememberLast((epoch) => orderOfEpoch(epoch, { ...options, blocks }));
  const startOf = (window: number): number => {
    const { offset, order } = epochOrder(Math.floor(window / windowsPerEpoch));
    const within = window % windowsPerEpoch;
    const block = order[Math.floor(within / perBlock)];
    return offset + block * blockLength + (within % perBlock) * seqLen;
  };
  const startsAt = (step: number): readonly number[] =>
    Array.from({ length: batchSize }, (_, row) => startOf(step * batchSize + row));
  return { windowsPerEpoch, startsAt, at: (step) => cutWindows(ids, seqLen, startsAt(step)) };
}

interface EpochOrder {
  /** Tokens skipped at the beginning. */
  readonly offset: number;
  /** Block numbers in the order of their visit. */
  readonly order: Uint32Array;
}

function orderOfEpoch(
  epoch: number,
  options: BatchOptions & { readonly blocks: number },
): EpochOrder {
  const { seed, seqLen, blockLength = seqLen, blocks } = options;
  const word = bits(stream(seed, "order/offset"), { step: epoch, index: 0 });
  return { offset: word % blockLength, order: permutation(stream(seed, "order"), epoch, blocks) };
}

/** Keeps the value of the last argument only: steps in sequence sort each epoch once. */
function rememberLast<T>(compute: (epoch: number) => T): (epoch: number) => T {
  let last: { readonly epoch: number; readonly value: T } | null = null;
  return (epoch) => {
    if (last === null || last.epoch !== epoch) last = { epoch, value: compute(epoch) };
    return last.value;
  };
}

function refuseBadSizes(sizes: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(sizes)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(
        `Cannot cut training windows: expected an integer ${name} >= 1, got ${value}`,
      );
    }
  }
  if (sizes.blockLength % sizes.seqLen !== 0) {
    throw new RangeError(
      `Cannot cut blocks of ${sizes.blockLength} tokens into windows of ${sizes.seqLen}: ` +
        `expected blockLength to be a multiple of seqLen`,
    );
  }
}
