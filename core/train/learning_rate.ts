/** Learning rate by update. Only + - * / are used, so that the values are the same on every platform. */

export interface ScheduleSettings {
  /** Updates of the run. */
  readonly steps: number;
  /** Updates over which the rate rises linearly. */
  readonly warmupSteps: number;
  readonly learningRate: number;
}

/** Share of the peak that is left at the last update. */
const FINAL_SHARE = 0.1;

/**
 * Rate of update t = 1, 2, …: linear from peak/w to the peak over w updates, then linear down to a tenth
 * of the peak at the last update. docs/mathematics.md §8.
 */
export function learningRate(settings: ScheduleSettings, t: number): number {
  const { steps, warmupSteps, learningRate: peak } = settings;
  if (t <= warmupSteps) return (peak * t) / warmupSteps;
  const share = (t - warmupSteps) / Math.max(1, steps - warmupSteps);
  return peak * (1 - (1 - FINAL_SHARE) * share);
}

/** x^n for n >= 0 by squaring: the language leaves the bits of ** to the platform. */
export function integerPower(x: number, n: number): number {
  let result = 1;
  for (let base = x, left = n; left > 0; left = Math.floor(left / 2), base *= base) {
    if (left % 2 === 1) result *= base;
  }
  return result;
}
