/** A repeatable stand-in for data: the 32-bit generator mulberry32 as a function giving numbers in (0, 1). */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(state ^ (state >>> 15), state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return (((word ^ (word >>> 14)) >>> 0) + 0.5) / 4294967296;
  };
}

/** n standard normal numbers by Box and Muller's formula, frozen so that a function under test cannot write. */
export function normalSample(next: () => number, n: number): readonly number[] {
  const draw = () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next());
  return Object.freeze(Array.from({ length: n }, draw));
}
