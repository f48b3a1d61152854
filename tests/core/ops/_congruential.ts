/** The draws of tests/golden/bk_core.py: x <- (1664525 x + 1013904223) mod 2^32, as x / 2^32. */

/** `count` draws from `seed` under `law`, rounded to single precision. */
export function congruential(
  { seed, count }: { readonly seed: number; readonly count: number },
  law: (draw: number) => number,
): number[] {
  const found: number[] = [];
  let x = seed;
  for (let i = 0; i < count; i++) {
    x = Number((1664525n * BigInt(x) + 1013904223n) % 4294967296n);
    found.push(Math.fround(law(x / 4294967296)));
  }
  return found;
}
