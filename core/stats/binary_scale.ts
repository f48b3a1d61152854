/**
 * A power of two s with max |x| / s in [1/2, 4], or 1 for a sample of zeros. Dividing by it is exact
 * above the subnormal range, so sums and squares of x / s neither overflow nor vanish.
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { binaryScale } from "./binary_scale.ts";
 * assertEquals(binaryScale([-6, 1]), 4);
 * ```
 */
export function binaryScale(values: readonly number[]): number {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  if (largest === 0) return 1;
  // log2 of the largest f64 rounds up to 1024, and 2^1024 is infinite.
  return 2 ** Math.min(1023, Math.floor(Math.log2(largest)));
}
