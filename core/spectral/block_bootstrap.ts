import { quantileSorted } from "simple-statistics";
import { UsageError } from "../errors.ts";
import type { Stream } from "../random/streams.ts";
import { uniform } from "../random/uniform.ts";
import { mean } from "../stats/mean.ts";

/** Options of {@linkcode blockBootstrapMean}. */
export interface BlockBootstrapOptions {
  /** Stream of the resamples: the same stream gives the same interval. */
  readonly from: Stream;
  /**
   * Coverage of the interval, inside (0, 1).
   * @default {0.95}
   */
  readonly level?: number;
  /**
   * Number of resamples.
   * @default {2000}
   */
  readonly resamples?: number;
}

/** A mean with its bootstrap interval. */
export interface BootstrapInterval {
  /** Mean of the values. */
  readonly mean: number;
  /** Lower percentile of the resampled means. */
  readonly low: number;
  /** Upper percentile. */
  readonly high: number;
  /** Coverage aimed at. */
  readonly level: number;
}

/**
 * Percentile interval of the mean of a sequence whose neighbours depend on each other, by the circular block
 * bootstrap with blocks of ceil(n^(1/3)) values. values: (n).
 *
 * Source: Politis and Romano 1992, "A circular block-resampling procedure for stationary data", in Exploring
 * the Limits of Bootstrap, 263-270.
 *
 * @throws {UsageError} If there are no values, or an option is outside its range
 * @throws {NumericError} If a value is not finite
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { stream } from "../random/streams.ts";
 * import { blockBootstrapMean } from "./block_bootstrap.ts";
 * const { low, high } = blockBootstrapMean([3, 3, 3], { from: stream(1, "bootstrap") });
 * assertEquals([low, high], [3, 3]);
 * ```
 */
export function blockBootstrapMean(
  values: readonly number[],
  options: BlockBootstrapOptions,
): BootstrapInterval {
  const { from, level = 0.95, resamples = 2000 } = options;
  if (!(level > 0 && level < 1 && Number.isInteger(resamples) && resamples >= 1)) {
    throw new UsageError(
      "Cannot resample: expected a level inside (0, 1) and an integer number of resamples >= 1, " +
        `got "${level}" and "${resamples}"`,
    );
  }
  const centre = mean(values);
  const n = values.length;
  const block = Math.ceil(Math.cbrt(n));
  const blocks = Math.ceil(n / block);
  // sums[k] is the sum of the block that starts at k, of deviations, so that rounding stays small.
  const sums = values.map((_, k) => {
    let sum = 0;
    for (let j = 0; j < block; j++) sum += values[(k + j) % n] - centre;
    return sum;
  });
  const means = Float64Array.from({ length: resamples }, (_, step) => {
    let sum = 0;
    for (let index = 0; index < blocks; index++) {
      sum += sums[Math.floor(uniform(from, { step, index }) * n)];
    }
    return centre + sum / (blocks * block);
  }).sort();
  const at = (share: number): number => quantileSorted([...means], share);
  return { mean: centre, low: at((1 - level) / 2), high: at((1 + level) / 2), level };
}
