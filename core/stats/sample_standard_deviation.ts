import { sampleStandardDeviation as plainDeviation } from "simple-statistics";
import { NumericError, UsageError } from "../errors.ts";
import { binaryScale } from "./binary_scale.ts";
import { requireFinite } from "./require_finite.ts";

/**
 * Sample standard deviation, s = sqrt(sum_i (x_i - mean)^2 / (n - 1)): the divisor is n - 1, not n.
 * values: (n) with n >= 2; the unit of the result is that of the values. Equal values give exactly 0,
 * and scaling by a power of two keeps the squares of tiny and huge values inside the f64 range.
 *
 * Source: the `sampleStandardDeviation` of simple-statistics.
 *
 * @throws {UsageError} If there are fewer than two values
 * @throws {NumericError} If a value, or the result, is not finite
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { sampleStandardDeviation } from "./sample_standard_deviation.ts";
 * assertAlmostEquals(sampleStandardDeviation([1, 2, 3, 4, 5]), Math.sqrt(2.5), 1e-15);
 * ```
 */
export function sampleStandardDeviation(values: readonly number[]): number {
  requireFinite(values, "values");
  if (values.length < 2) {
    throw new UsageError(
      `Cannot take a sample standard deviation: expected at least 2 values, got ${values.length}`,
    );
  }
  // The rounded mean of equal values may differ from them by an ulp, and so leave a spurious spread.
  if (values.every((value) => value === values[0])) return 0;
  const scale = binaryScale(values);
  const deviation = plainDeviation(values.map((value) => value / scale)) * scale;
  if (Number.isFinite(deviation)) return deviation;
  throw new NumericError(
    "Cannot take a sample standard deviation: expected one below 1.8e308, the largest f64, " +
      `got "${deviation}"; rescale the values`,
  );
}
