import { assertNever, UsageError } from "../errors.ts";
import { naturalLog } from "../random/natural_log.ts";

/** Shape of the way from start to end. */
export type ScheduleShape = "linear" | "cosine" | "exponential";

/** A value by the number of updates done, 0 before the first. */
export type ValueSchedule = (updates: number) => number;

/** Options of {@linkcode valueSchedule}. */
export interface ValueScheduleOptions {
  /** What messages call it, "epsilon". */
  readonly what: string;
  /** Value at 0. Both ends are > 0 and normal numbers of f32, in which a step reads them. */
  readonly start: number;
  /** Value from `steps` on. */
  readonly end: number;
  /** Updates from start to end, an integer >= 1. */
  readonly steps: number;
  /** Shape of the way between them. */
  readonly shape: ScheduleShape;
}

/** Smallest and largest normal number of f32. */
const [LEAST, MOST] = [2 ** -126, 2 ** 128 - 2 ** 104];

/**
 * A monotone way from start to end over `steps` updates, constant afterwards. With t = updates/steps: linear
 * start + t (end - start); cosine end + (start - end)(1 + cos pi t)/2; exponential start (end/start)^t. Only
 * + - * / are used, so that the values are the same on every platform. docs/mathematics.md §8.
 *
 * @throws {UsageError} If an end is outside its range or steps no integer >= 1; the schedule, if updates are negative
 */
export function valueSchedule(options: ValueScheduleOptions): ValueSchedule {
  const { what, start, end, steps } = options;
  const fits = (value: number): boolean => value >= LEAST && value <= MOST;
  if (!(fits(start) && fits(end) && Number.isInteger(steps) && steps >= 1)) {
    throw new UsageError(
      `Cannot make a schedule of ${what}: expected finite ends > 0 within f32 and an integer number of steps ` +
        `>= 1, got "${start}", "${end}" and "${steps}"`,
    );
  }
  return (updates) => {
    if (!(updates >= 0)) {
      throw new UsageError(`Cannot use step "${updates}": expected a number >= 0`);
    }
    return updates >= steps ? end : valueAt(updates / steps, options);
  };
}

/** The value at t in [0, 1). */
function valueAt(t: number, { start, end, shape }: ValueScheduleOptions): number {
  switch (shape) {
    case "linear":
      return start + t * (end - start);
    case "cosine":
      return start + squaredSine(t) * (end - start);
    case "exponential":
      return start * exponential(t * (naturalLog(end) - naturalLog(start)));
    default:
      return assertNever(shape);
  }
}

/** sin^2(pi t / 2) = (1 - cos pi t)/2 for t in [0, 1]; the first term left out is below 1e-17. */
function squaredSine(t: number): number {
  const x = t * Math.PI / 2;
  let series = 1;
  for (let n = 22; n >= 2; n -= 2) series = 1 - series * x * x / (n * (n + 1));
  return (x * series) * (x * series);
}

/** e^x for |x| < 200, as 2^k e^r with |r| <= ln(2)/2; the first term left out is below 1e-17. */
function exponential(x: number): number {
  const k = Math.round(x / Math.LN2);
  const r = x - k * Math.LN2;
  let value = 1;
  for (let n = 14; n >= 1; n--) value = 1 + value * r / n;
  for (let i = 0; i < Math.abs(k); i++) value *= k > 0 ? 2 : 0.5;
  return value;
}
