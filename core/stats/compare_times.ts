import { NumericError, UsageError } from "../errors.ts";
import { mean } from "./mean.ts";
import { pairedDifferences } from "./paired_differences.ts";
import { pairedTTest, type UntestableReason } from "./paired_t_test.ts";
import { signFlipTest } from "./sign_flip_test.ts";
import type { LevelOptions } from "./t_interval.ts";

/** How long one run took to get somewhere. */
export interface SeedTime {
  /** Integer that names the run and its pair in the other arm. */
  readonly seed: number;
  /** Finite and >= 0; null for a run that ended before it got there, which is all that is known of it. */
  readonly value: number | null;
}

/** Name of an arm, and one time per seed in any order. */
export interface TimedArm {
  /** Name for tables and messages. */
  readonly name: string;
  /** One entry per seed. */
  readonly values: readonly SeedTime[];
}

/** What every comparison of times has. Arrays are (n), in ascending order of seed. */
export interface ComparedTimes {
  /** Name of arm A. */
  readonly a: string;
  /** Name of arm B. */
  readonly b: string;
  /** Number of pairs. */
  readonly n: number;
  /** Seeds of the pairs. */
  readonly seeds: readonly number[];
  /** Times of arm A; null where censored. */
  readonly valuesA: readonly (number | null)[];
  /** Times of arm B; null where censored. */
  readonly valuesB: readonly (number | null)[];
  /** Pairs in which a run of either arm is censored. */
  readonly censoredPairs: number;
  /** Censored runs of arm A. */
  readonly censoredA: number;
  /** Censored runs of arm B. */
  readonly censoredB: number;
  /** Pairs in which arm A was first. Pairs where both are censored, or equal, count on neither side. */
  readonly earlierA: number;
  /** Pairs in which arm B was first. */
  readonly earlierB: number;
  /** What gave `pExact`: sign flips of log ratios, or of signs alone. */
  readonly test: "sign-flip" | "sign";
  /** Exact two-sided p-value, in [floor, 1]. */
  readonly pExact: number;
  /** min(1, 2^(z + 1) / 2^n), the smallest pExact that n seeds with z ties can give. */
  readonly floor: number;
}

/** A comparison in which every pair has a ratio, and these vary. */
export interface RatioEstimate extends ComparedTimes {
  /** Tells the cases of {@linkcode TimeComparison} apart. */
  readonly kind: "ratio";
  /** Geometric mean of valuesA / valuesB: below 1 where A is faster. */
  readonly ratio: number;
  /** Lower bound of the t interval of the log ratios, as a ratio. */
  readonly low: number;
  /** Upper bound of that interval. */
  readonly high: number;
  /** Coverage of that interval, inside (0, 1). */
  readonly level: number;
}

/** A ratio without interval: one pair, or ratios equal but for rounding. */
export interface LoneRatio extends ComparedTimes {
  /** Tells the cases of {@linkcode TimeComparison} apart. */
  readonly kind: "lone-ratio";
  /** Why there is no interval. */
  readonly reason: UntestableReason;
  /** Geometric mean of valuesA / valuesB. */
  readonly ratio: number;
}

/** A comparison without ratio; order and test stand. */
export interface NoRatio extends ComparedTimes {
  /** Tells the cases of {@linkcode TimeComparison} apart. */
  readonly kind: "no-ratio";
  /** "censored": a run never got there. "zero-time": a run was there at its start, so that a log is missing. */
  readonly reason: "censored" | "zero-time";
}

/** One comparison of times; {@linkcode NoRatio} has no estimate, {@linkcode LoneRatio} no interval. */
export type TimeComparison = RatioEstimate | LoneRatio | NoRatio;

/**
 * Compares two arms by seed on a time, as a ratio A / B: geometric mean with the t interval of the log ratios, and the
 * exact sign-flip test of these.
 *
 * Where a run is censored no ratio is made up for it, and none is given of the other pairs, which would be those that
 * went well. Then the exact sign test stands in: a run that got there is before one that did not, two that did not
 * are a tie. Both arms must have been watched equally long. To exchange the arms within a pair changes no count of
 * censored runs, so the choice of the test costs nothing of its level.
 *
 * Source: {@linkcode signFlipTest} and {@linkcode pairedTTest} of log ratios, with the interval taken back as in
 * Bland and Altman 1996, BMJ 312, 1079; sign test: Dixon and Mood 1946, Journal of the American Statistical
 * Association 41, 557-566.
 *
 * @throws {UsageError} If a time is negative, the arms differ in seeds, have none, repeat one or have more than 20, or
 * the level is outside (0, 1)
 * @throws {NumericError} If a time is not finite, or a bound of the interval is not
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals, assertEquals } from "@std/assert";
 * import { compareTimes } from "./compare_times.ts";
 * const armOf = (name: string, times: readonly (number | null)[]) => ({
 *   name,
 *   values: times.map((value, index) => ({ seed: 42 + index, value })),
 * });
 * const faster = compareTimes(armOf("a", [10, 20, 40]), armOf("b", [20, 20, 160]));
 * if (faster.kind !== "ratio") throw new Error("unexpected case");
 * assertAlmostEquals(faster.ratio, 0.5, 1e-15); // (1/2 * 1 * 1/4) ** (1/3)
 * const censored = compareTimes(armOf("a", [10, 20, 40]), armOf("b", [20, null, null]));
 * assertEquals([censored.kind, censored.censoredB, censored.pExact], ["no-ratio", 2, 0.25]);
 * ```
 */
export function compareTimes(
  a: TimedArm,
  b: TimedArm,
  options: LevelOptions = {},
): TimeComparison {
  const { common, pairs } = pairsOf(a, b);
  const logs = pairs.map(logRatio);
  if (!logs.every((log) => log !== null)) {
    const { p: pExact, floor } = signFlipTest(pairs.map(orderOf));
    const reason = common.censoredPairs > 0 ? "censored" : "zero-time";
    return { kind: "no-ratio", reason, ...common, test: "sign", pExact, floor };
  }
  const { p: pExact, floor } = signFlipTest(logs);
  const exact = { ...common, test: "sign-flip", pExact, floor } as const;
  const ratio = Math.exp(mean(logs));
  const test = pairedTTest(logs, options);
  if (test.kind === "untestable") {
    return { kind: "lone-ratio", reason: test.reason, ...exact, ratio };
  }
  const [low, high] = [Math.exp(test.low), Math.exp(test.high)];
  if (!(low > 0 && high < Infinity)) {
    throw new NumericError(
      `Cannot give the interval of a ratio of "${a.name}" to "${b.name}": expected positive, finite bounds, ` +
        `got "${low}" and "${high}"`,
    );
  }
  return { kind: "ratio", ...exact, ratio, low, high, level: test.level };
}

interface Pair {
  readonly a: number | null;
  readonly b: number | null;
}

function pairsOf(a: TimedArm, b: TimedArm): {
  readonly common: Omit<ComparedTimes, "test" | "pExact" | "floor">;
  readonly pairs: readonly Pair[];
} {
  // Pairs and their checks are those of losses; a censored run has a seed like any other.
  const { seeds } = pairedDifferences(uncensored(a), uncensored(b));
  const [valuesA, valuesB] = [a, b].map(({ values }) =>
    seeds.map((seed) => values.find((one) => one.seed === seed)!.value)
  );
  const pairs = seeds.map((_, i) => ({ a: valuesA[i], b: valuesB[i] }));
  const count = (holds: (pair: Pair) => boolean): number => pairs.filter(holds).length;
  const common = {
    a: a.name,
    b: b.name,
    n: seeds.length,
    seeds,
    valuesA,
    valuesB,
    censoredPairs: count((pair) => pair.a === null || pair.b === null),
    censoredA: count((pair) => pair.a === null),
    censoredB: count((pair) => pair.b === null),
    earlierA: count((pair) => orderOf(pair) < 0),
    earlierB: count((pair) => orderOf(pair) > 0),
  };
  return { common, pairs };
}

function uncensored({ name, values }: TimedArm): Parameters<typeof pairedDifferences>[0] {
  const negative = values.find(({ value }) => value !== null && value < 0);
  if (negative !== undefined) {
    throw new UsageError(
      `Cannot compare arm "${name}" at seed ${negative.seed}: expected a time >= 0, got "${negative.value}"`,
    );
  }
  return { name, values: values.map(({ seed, value }) => ({ seed, value: value ?? 0 })) };
}

/** Sign of A - B, a censored run being after every other: -1 where A was first. */
function orderOf({ a, b }: Pair): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return Math.sign(a - b);
}

function logRatio({ a, b }: Pair): number | null {
  // A difference of logs cannot leave the range of f64, a ratio could.
  return a === null || b === null || a === 0 || b === 0 ? null : Math.log(a) - Math.log(b);
}
