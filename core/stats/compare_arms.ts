import { hedgesDz } from "./hedges_dz.ts";
import { mean } from "./mean.ts";
import { type Arm, pairedDifferences } from "./paired_differences.ts";
import { pairedTTest, type UntestableReason } from "./paired_t_test.ts";
import { signFlipTest } from "./sign_flip_test.ts";
import type { LevelOptions } from "./t_interval.ts";

/** What every comparison of arm A with arm B has. Arrays are (n), in ascending order of seed. */
export interface ComparedArms {
  /** Name of arm A. */
  readonly a: string;
  /** Name of arm B. */
  readonly b: string;
  /** Number of pairs. */
  readonly n: number;
  /** Seeds of the pairs. */
  readonly seeds: readonly number[];
  /** Losses of arm A, in nats. */
  readonly valuesA: readonly number[];
  /** Losses of arm B, in nats. */
  readonly valuesB: readonly number[];
  /** Mean of valuesA - valuesB, in nats: negative where A has the lower loss. */
  readonly meanDifference: number;
  /** Exact two-sided sign-flip p-value, in [floor, 1]. */
  readonly pExact: number;
  /** min(1, 2^(z + 1) / 2^n), the smallest pExact that n seeds with z differences of 0 can give. */
  readonly floor: number;
}

/** A comparison with spread, interval and effect size. */
export interface EstimatedComparison extends ComparedArms {
  /** Tells the cases of {@linkcode Comparison} apart. */
  readonly kind: "estimated";
  /** Sample standard deviation of the differences, in nats. */
  readonly sd: number;
  /** Lower bound of the t interval of the mean difference, in nats. */
  readonly low: number;
  /** Upper bound of that interval, in nats. */
  readonly high: number;
  /** Coverage of that interval, inside (0, 1). */
  readonly level: number;
  /** Statistic of the paired t-test, meanDifference / (sd / sqrt(n)). */
  readonly tStatistic: number;
  /** Its degrees of freedom, n - 1. */
  readonly df: number;
  /** Two-sided p-value of the paired t-test, in (0, 1]. */
  readonly pT: number;
  /** Cohen's d_z with Hedges' correction. */
  readonly dz: number;
}

/** A comparison whose differences allow no interval and no effect size; the exact test still stands. */
export interface DegenerateComparison extends ComparedArms {
  /** Tells the cases of {@linkcode Comparison} apart. */
  readonly kind: "degenerate";
  /** Why there is no interval: too few pairs, or differences equal but for rounding. */
  readonly reason: UntestableReason | "two-pairs";
}

/** One comparison; {@linkcode DegenerateComparison} has no interval, t, pT or dz. */
export type Comparison = EstimatedComparison | DegenerateComparison;

/**
 * Compares two arms by seed on a loss in nats: exact sign-flip test, paired t-test with interval, and
 * effect size of d_s = a_s - b_s. One or two pairs, and constant differences, are named cases.
 *
 * Source: {@linkcode signFlipTest}, {@linkcode pairedTTest} and {@linkcode hedgesDz}.
 *
 * @throws {UsageError} If the arms differ in seeds, have none, repeat one or have more than 20, or the
 * level is outside (0, 1)
 * @throws {NumericError} If a value or a difference is not finite
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { compareArms } from "./compare_arms.ts";
 * const armOf = (name: string, losses: readonly number[]) => ({
 *   name,
 *   values: losses.map((value, index) => ({ seed: 42 + index, value })),
 * });
 * const comparison = compareArms(armOf("bk", [2, 3, 4, 5, 6]), armOf("control", [1, 1, 1, 1, 1]));
 * if (comparison.kind !== "estimated") throw new Error("unexpected case");
 * assertEquals([comparison.meanDifference, comparison.pExact], [3, 2 / 32]);
 * assertAlmostEquals(comparison.pT, 0.0132355995636827, 1e-14);
 * ```
 */
export function compareArms(a: Arm, b: Arm, options: LevelOptions = {}): Comparison {
  const { differences, ...pairs } = pairedDifferences(a, b);
  const { p: pExact, floor, n } = signFlipTest(differences);
  const common = {
    a: a.name,
    b: b.name,
    n,
    ...pairs,
    meanDifference: mean(differences),
    pExact,
    floor,
  };
  const test = pairedTTest(differences, options);
  if (test.kind === "untestable") return { kind: "degenerate", reason: test.reason, ...common };
  if (n === 2) return { kind: "degenerate", reason: "two-pairs", ...common };
  const { sd, low, high, level, t: tStatistic, df, p: pT } = test;
  const { dz } = hedgesDz(differences);
  return { kind: "estimated", ...common, sd, low, high, level, tStatistic, df, pT, dz };
}
