import { areConstant } from "./are_constant.ts";
import { mean } from "./mean.ts";
import { requireFinite } from "./require_finite.ts";
import { studentTCdf } from "./student_t.ts";
import { type LevelOptions, tInterval } from "./t_interval.ts";

/** Outcome of the paired t-test, or the reason why the differences allow none. */
export type PairedTTest =
  | {
    readonly kind: "tested";
    readonly n: number;
    /** mean / (sd / sqrt(n)). */
    readonly t: number;
    /** n - 1. */
    readonly df: number;
    /** Two-sided, in (0, 1]. */
    readonly p: number;
    readonly mean: number;
    /** Sample standard deviation of the differences, divisor n - 1. */
    readonly sd: number;
    readonly low: number;
    readonly high: number;
    readonly level: number;
  }
  | {
    readonly kind: "untestable";
    readonly reason: UntestableReason;
    readonly n: number;
    readonly mean: number;
  };

/** "single-pair": one difference has no spread. "constant-differences": all equal but for rounding. */
export type UntestableReason = "single-pair" | "constant-differences";

/**
 * Two-sided paired t-test that the mean difference is 0, with the interval of the mean:
 * t = mean / (s / sqrt(n)), df = n - 1, p = 2 P(T <= -|t|). differences: (n). Assumes normal differences.
 *
 * One difference, and differences equal to 2^-40 of the largest, have no spread to test against and are
 * named cases: an arm compared with its twin has neither p = 0 nor NaN. A p-value below the smallest
 * positive f64 is given as that number, since no p-value is 0.
 *
 * Source: Student 1908, Biometrika 6, 1-25.
 *
 * @throws {UsageError} If there are no differences, or the level is outside (0, 1)
 * @throws {NumericError} If a difference or a bound is not finite
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { pairedTTest } from "./paired_t_test.ts";
 * const test = pairedTTest([1, 2, 3, 4, 5]);
 * if (test.kind !== "tested") throw new Error("unexpected case");
 * assertAlmostEquals(test.t, 4.242640687119285, 1e-14);
 * assertAlmostEquals(test.p, 0.01323559956368, 1e-14);
 * assertEquals(pairedTTest([0.5, 0.5]).kind, "untestable");
 * ```
 */
export function pairedTTest(
  differences: readonly number[],
  options: LevelOptions = {},
): PairedTTest {
  requireFinite(differences, "differences");
  const interval = tInterval(differences, options);
  const n = differences.length;
  if (interval.kind === "single-value") {
    return { kind: "untestable", reason: "single-pair", n, mean: interval.mean };
  }
  if (areConstant(differences)) {
    return { kind: "untestable", reason: "constant-differences", n, mean: mean(differences) };
  }
  const { mean: centre, sd, low, high, level } = interval;
  // sd / sqrt(n) could round to 0 among subnormals; mean / sd cannot.
  const t = (centre / sd) * Math.sqrt(n);
  const p = Math.min(1, Math.max(2 * studentTCdf(-Math.abs(t), n - 1), Number.MIN_VALUE));
  return { kind: "tested", n, t, df: n - 1, p, mean: centre, sd, low, high, level };
}
