/**
 * Two numbers closer than this share of the largest magnitude of their sample count as equal. Loss
 * differences come from subtraction, which leaves errors of some 1e-15 of the losses; 2^-40 (9e-13)
 * is above that and far below any effect.
 */
export const TIE_TOLERANCE: number = 2 ** -40;

/**
 * Whether the values are equal but for rounding: max x - min x <= 2^-40 max |x|. The spread of such a
 * sample is rounding noise, so nothing may be divided by it. values: (n), finite.
 *
 * Source: the same guard, at 10 machine epsilons of the mean, stands in R's `t.test` ("data are
 * essentially constant").
 *
 * @example Usage
 * ```ts
 * import { assert } from "@std/assert";
 * import { areConstant } from "./are_constant.ts";
 * assert(areConstant([2.31 - 2.21, 1.51 - 1.41])); // 0.1 twice, with unlike rounding
 * assert(!areConstant([0.1, 0.1001]));
 * ```
 */
export function areConstant(values: readonly number[]): boolean {
  const lowest = values.reduce((least, value) => Math.min(least, value), Infinity);
  const highest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const largest = Math.max(Math.abs(lowest), Math.abs(highest));
  return values.length === 0 || highest - lowest <= TIE_TOLERANCE * largest;
}
