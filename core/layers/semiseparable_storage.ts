/** What storing a semiseparable matrix takes, beside a dense one. docs/mathematics.md §13. */
import { ShapeError } from "../errors.ts";
import { BYTES_PER_ELEMENT } from "../graph/shape.ts";

/** Bytes of f32 numbers that describe one matrix of order N. Not what a training step allocates. */
export interface SemiseparableStorage {
  /** Three bands, 3 N - 2 numbers. */
  readonly tridiagonalBytes: number;
  /** Both factors, 2 N r numbers. */
  readonly lowRankBytes: number;
  /** Their sum. */
  readonly totalBytes: number;
  /** N^2 numbers. */
  readonly denseBytes: number;
  /** 1 - totalBytes / denseBytes. Negative where the dense matrix is smaller. */
  readonly saved: number;
}

/** ceil(log2 N), at least 1: the rank that is customary for order N. @throws {ShapeError} Unless N >= 1 */
export function semiseparableRank(length: number): number {
  expectCount("length", length);
  let rank = 0;
  while (2 ** rank < length) rank++;
  return Math.max(1, rank);
}

/** @throws {ShapeError} Unless length and rank are integers >= 1 */
export function semiseparableStorage(
  { length, rank }: { readonly length: number; readonly rank: number },
): SemiseparableStorage {
  expectCount("length", length);
  expectCount("rank", rank);
  const tridiagonalBytes = BYTES_PER_ELEMENT * (3 * length - 2);
  const lowRankBytes = BYTES_PER_ELEMENT * 2 * length * rank;
  const totalBytes = tridiagonalBytes + lowRankBytes;
  const denseBytes = BYTES_PER_ELEMENT * length ** 2;
  return {
    tridiagonalBytes,
    lowRankBytes,
    totalBytes,
    denseBytes,
    saved: 1 - totalBytes / denseBytes,
  };
}

function expectCount(name: string, value: number): void {
  if (Number.isInteger(value) && value >= 1) return;
  throw new ShapeError(
    `Cannot count the numbers of a semiseparable matrix of ${name} ${value}: expected an integer >= 1`,
  );
}
