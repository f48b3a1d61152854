/**
 * Which universality class the levels of a spectrum look like, by their spacing ratios.
 *
 * Sources
 *   [1] Atas, Bogomolny, Giraud, Roux 2013, Physical Review Letters 110, 084101 (mean ratios, the Wigner-like surmise).
 *   [2] docs/mathematics.md §17.
 * Symbols
 *   r  min/max of two consecutive spacings, in [0, 1]
 */
import { UsageError } from "../errors.ts";
import type { Stream } from "../random/streams.ts";
import { blockBootstrapMean } from "./block_bootstrap.ts";
import { type BulkOptions, spacingRatios } from "./spacing_ratios.ts";

/** Mean spacing ratio of each class; Poisson is 2 ln 2 - 1. */
export const MEAN_RATIOS = {
  "gue": 0.5996,
  "goe": 0.5307,
  "poisson": 0.3863,
} as const;

/** Mean ratio above which levels are called evenly spaced. */
export const PICKET_FENCE_RATIO = 0.9;

/** Half-width around a class's mean ratio within which a finite spectrum still counts as of that class. */
const FINITE_SIZE_SLACK = 0.02;

/**
 * A class of levels; `undecided` if the interval reaches several, `none` if it reaches none.
 */
export type LevelKind = keyof typeof MEAN_RATIOS | "picket-fence" | "undecided" | "none";

/** Options of {@linkcode levelStatistics}. */
export interface LevelStatisticsOptions extends BulkOptions {
  /** Stream of the bootstrap. */
  readonly from: Stream;
  /**
   * Coverage of the interval, inside (0, 1).
   * @default {0.95}
   */
  readonly level?: number;
}

/** Outcome of {@linkcode levelStatistics}. */
export interface LevelStatistics {
  /** Number of ratios. */
  readonly count: number;
  /** Mean ratio. */
  readonly meanRatio: number;
  /** Lower end of its bootstrap interval. */
  readonly low: number;
  /** Upper end. */
  readonly high: number;
  /** Class that the interval allows. */
  readonly kind: LevelKind;
  /** Largest distance between the distribution of the ratios and the GUE surmise's, in [0, 1]. */
  readonly wignerFitError: number;
}

/**
 * Spacing ratios of the bulk of one or several spectra, their mean with a bootstrap interval, and the class that
 * the interval allows. spectra: ascending levels each. A class is allowed if the interval comes within 0.02 of
 * its mean ratio.
 *
 * @throws {UsageError} If there is no spectrum, or one has fewer than three levels in the bulk
 * @throws {NumericError} If three levels of a spectrum are equal
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { stream } from "../random/streams.ts";
 * import { levelStatistics } from "./level_statistics.ts";
 * const even = Float64Array.from({ length: 100 }, (_, n) => n);
 * assertEquals(levelStatistics([even], { from: stream(1, "levels") }).kind, "picket-fence");
 * ```
 */
export function levelStatistics(
  spectra: readonly ArrayLike<number>[],
  options: LevelStatisticsOptions,
): LevelStatistics {
  if (spectra.length === 0) {
    throw new UsageError("Cannot take level statistics: expected at least one spectrum, got none");
  }
  const ratios = spectra.flatMap((levels) => [...spacingRatios(levels, options)]);
  const { mean, low, high } = blockBootstrapMean(ratios, options);
  const kind = levelKind({ low, high });
  return {
    count: ratios.length,
    meanRatio: mean,
    low,
    high,
    kind,
    wignerFitError: gueDistance(ratios),
  };
}

/** The class that an interval of the mean ratio allows. */
export function levelKind(interval: { readonly low: number; readonly high: number }): LevelKind {
  const allowed: LevelKind[] = [];
  for (const [kind, ratio] of Object.entries(MEAN_RATIOS) as [keyof typeof MEAN_RATIOS, number][]) {
    if (
      interval.low <= ratio + FINITE_SIZE_SLACK && interval.high >= ratio - FINITE_SIZE_SLACK
    ) allowed.push(kind);
  }
  if (interval.high >= PICKET_FENCE_RATIO) allowed.push("picket-fence");
  if (allowed.length > 1) return "undecided";
  return allowed[0] ?? "none";
}

/** Kolmogorov distance between the ratios and the surmise. */
function gueDistance(ratios: readonly number[]): number {
  const sorted = ratios.toSorted((a, b) => a - b);
  return sorted.reduce((most, r, k) => {
    const want = gueRatioDistribution(r);
    return Math.max(most, (k + 1) / sorted.length - want, want - k / sorted.length);
  }, 0);
}

/**
 * Distribution function of the spacing ratio in the GUE surmise, P(ratio <= r) for r in [0, 1]: the integral of
 * (81 sqrt(3) / 2 pi) (x + x^2)^2 / (1 + x + x^2)^4 from 0 to r, to 1e-7 by Simpson's rule. The surmise of [1] for beta = 2,
 * folded onto [0, 1].
 */
export function gueRatioDistribution(r: number): number {
  const density = (x: number): number =>
    (81 * Math.sqrt(3) / (2 * Math.PI)) * (x + x * x) ** 2 / (1 + x + x * x) ** 4;
  const pieces = 32;
  const h = r / (2 * pieces);
  let sum = 0;
  for (let k = 0; k < pieces; k++) {
    sum += density(2 * k * h) + 4 * density((2 * k + 1) * h) + density((2 * k + 2) * h);
  }
  return sum * h / 3;
}
