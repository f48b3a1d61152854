import { NumericError, UsageError } from "../errors.ts";
import { mean } from "./mean.ts";
import { requireFinite } from "./require_finite.ts";
import { sampleStandardDeviation } from "./sample_standard_deviation.ts";
import { studentTQuantile } from "./student_t.ts";

/** Options of {@linkcode tInterval} and of what is built on it. */
export interface LevelOptions {
  /**
   * Coverage of the interval, inside (0, 1).
   * @default {0.95}
   */
  readonly level?: number;
}

/** A mean with its interval, or a lone value, which has none. Units are those of the sample. */
export type TInterval =
  | {
    readonly kind: "interval";
    readonly n: number;
    readonly mean: number;
    /** Sample standard deviation, divisor n - 1. */
    readonly sd: number;
    readonly low: number;
    readonly high: number;
    readonly level: number;
  }
  | { readonly kind: "single-value"; readonly n: 1; readonly mean: number; readonly level: number };

/**
 * Mean of a sample with Student's interval, mean ± t_{n-1, (1 + level) / 2} s / sqrt(n). values: (n).
 * One value has no interval: the named case "single-value". Equal values give an interval of width 0.
 *
 * Source: Student 1908, Biometrika 6, 1-25.
 *
 * @throws {UsageError} If there are no values, or the level is outside (0, 1)
 * @throws {NumericError} If a value or a bound is not finite
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { tInterval } from "./t_interval.ts";
 * const interval = tInterval([1, 2, 3, 4, 5], { level: 0.95 });
 * if (interval.kind !== "interval") throw new Error("unexpected case");
 * assertAlmostEquals(interval.low, 1.036756838522439, 1e-12);
 * assertAlmostEquals(interval.high, 4.963243161477561, 1e-12);
 * ```
 */
export function tInterval(values: readonly number[], options: LevelOptions = {}): TInterval {
  const { level = 0.95 } = options;
  requireFinite(values, "values");
  if (!(level > 0 && level < 1)) {
    throw new UsageError(`Cannot make an interval: expected a level inside (0, 1), got "${level}"`);
  }
  const n = values.length;
  const centre = mean(values);
  if (n === 1) return { kind: "single-value", n, mean: centre, level };
  const sd = sampleStandardDeviation(values);
  const halfWidth = studentTQuantile((1 + level) / 2, n - 1) * (sd / Math.sqrt(n));
  const [low, high] = [centre - halfWidth, centre + halfWidth];
  if (!Number.isFinite(low) || !Number.isFinite(high)) {
    throw new NumericError(
      `Cannot make an interval: expected finite bounds, got "${low}" and "${high}"; rescale the values`,
    );
  }
  return { kind: "interval", n, mean: centre, sd, low, high, level };
}
