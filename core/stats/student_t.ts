import cdf from "@stdlib/stats-base-dists-t-cdf";
import quantile from "@stdlib/stats-base-dists-t-quantile";
import { UsageError } from "../errors.ts";

/**
 * P(T <= t) for Student's t distribution with `df` > 0 degrees of freedom. In the lower tail the result
 * is right to relative accuracy, so a two-sided p-value is 2 P(T <= -|t|) and never 2 (1 - P(T <= |t|)).
 *
 * Source: Student 1908, Biometrika 6, 1-25; computed by `@stdlib/stats-base-dists-t-cdf` through the
 * regularised incomplete beta function.
 *
 * @throws {UsageError} If `t` is NaN, or `df` is not positive and finite
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { studentTCdf } from "./student_t.ts";
 * assertAlmostEquals(2 * studentTCdf(-Math.sqrt(18), 4), 0.0132355995636827, 1e-15);
 * ```
 */
export function studentTCdf(t: number, df: number): number {
  requireDegreesOfFreedom(df);
  if (Number.isNaN(t)) {
    throw new UsageError(
      'Cannot evaluate the t distribution: expected t to be a number, got "NaN"',
    );
  }
  return cdf(t, df);
}

/**
 * The t with P(T <= t) = `probability` for Student's t distribution with `df` > 0 degrees of freedom.
 *
 * Source: as {@linkcode studentTCdf}, through `@stdlib/stats-base-dists-t-quantile`.
 *
 * @throws {UsageError} If `probability` is outside (0, 1), or `df` is not positive and finite
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { studentTQuantile } from "./student_t.ts";
 * assertAlmostEquals(studentTQuantile(0.975, 7), 2.36462425159279, 1e-13);
 * ```
 */
export function studentTQuantile(probability: number, df: number): number {
  requireDegreesOfFreedom(df);
  if (!(probability > 0 && probability < 1)) {
    throw new UsageError(
      `Cannot take a t quantile: expected a probability inside (0, 1), got "${probability}"`,
    );
  }
  return quantile(probability, df);
}

function requireDegreesOfFreedom(df: number): void {
  if (df > 0 && df < Infinity) return;
  throw new UsageError(
    `Cannot evaluate the t distribution: expected finite degrees of freedom > 0, got "${df}"`,
  );
}
