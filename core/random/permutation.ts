import { bits, type Stream } from "./streams.ts";

/**
 * The permutation of 0..n-1 that a stream gives for one epoch: indices sorted by their random word,
 * equal words by index. Returns a fresh Uint32Array of length n.
 */
export function permutation(from: Stream, epoch: number, n: number): Uint32Array {
  const keys = new Float64Array(n);
  for (let index = 0; index < n; index++) keys[index] = bits(from, { step: epoch, index });
  return Uint32Array.from({ length: n }, (_, index) => index)
    .sort((a, b) => keys[a] - keys[b] || a - b);
}
