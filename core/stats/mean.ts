import { mean as plainMean } from "simple-statistics";
import { binaryScale } from "./binary_scale.ts";
import { requireFinite } from "./require_finite.ts";

/**
 * Arithmetic mean, (x_1 + … + x_n) / n, with compensated summation. values: (n) with n >= 1; the
 * unit of the result is that of the values. It lies within their range, and equal values are their own
 * mean. Scaling by a power of two keeps the sum of huge values finite.
 *
 * Source: the `mean` of simple-statistics.
 *
 * @throws {UsageError} If there are no values
 * @throws {NumericError} If a value is not finite
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mean } from "./mean.ts";
 * assertEquals(mean([1, 2, 4.5]), 2.5);
 * ```
 */
export function mean(values: readonly number[]): number {
  requireFinite(values, "values");
  const scale = binaryScale(values);
  const rounded = plainMean(values.map((value) => value / scale)) * scale;
  const lowest = values.reduce((least, value) => Math.min(least, value), Infinity);
  const highest = values.reduce((most, value) => Math.max(most, value), -Infinity);
  // Rounding can leave the range by an ulp: three times 0.1, divided by three, exceeds 0.1.
  return Math.min(highest, Math.max(lowest, rounded));
}
