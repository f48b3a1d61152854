/** Windows of tokens: ids and, for each, the id that follows it. Both (windows, N), row-major. */
export interface Batch {
  readonly tokens: Int32Array<ArrayBuffer>;
  readonly targets: Int32Array<ArrayBuffer>;
}

/** Windows of N tokens of `ids` from the given starts, with targets one token later. */
export function cutWindows(ids: Int32Array, seqLen: number, starts: readonly number[]): Batch {
  const tokens = new Int32Array(starts.length * seqLen);
  const targets = new Int32Array(starts.length * seqLen);
  for (const [row, start] of starts.entries()) {
    tokens.set(ids.subarray(start, start + seqLen), row * seqLen);
    targets.set(ids.subarray(start + 1, start + seqLen + 1), row * seqLen);
  }
  return { tokens, targets };
}
