import { assertNever, UsageError } from "../errors.ts";

/** Shape of the way from start to end. */
export type EpsilonScheduleKind = "linear" | "cosine" | "exponential";

/** Options of {@linkcode epsilonSchedule}. */
export interface EpsilonScheduleOptions {
  /**
   * Value at step 0, > 0.
   * @default {1}
   */
  readonly start?: number;
  /**
   * Value from the last step on, > 0.
   * @default {0.5}
   */
  readonly end?: number;
  /**
   * Steps from start to end, an integer >= 1.
   * @default {10000}
   */
  readonly steps?: number;
  /**
   * Shape.
   * @default {"cosine"}
   */
  readonly kind?: EpsilonScheduleKind;
}

/**
 * epsilon as a function of the step, from start to end over `steps` and constant afterwards. With t = step/steps:
 * linear start + t (end - start); cosine end + (start - end)(1 + cos pi t)/2; exponential start (end/start)^t.
 *
 * @throws {UsageError} If an end is not positive or steps no integer >= 1; the schedule, if a step is negative
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { epsilonSchedule } from "./epsilon_schedule.ts";
 * const epsilon = epsilonSchedule({ steps: 100, kind: "linear" });
 * assertEquals([epsilon(0), epsilon(50), epsilon(200)], [1, 0.75, 0.5]);
 * ```
 */
export function epsilonSchedule(options: EpsilonScheduleOptions = {}): (step: number) => number {
  const { start = 1, end = 0.5, steps = 10000, kind = "cosine" } = options;
  const positive = (value: number): boolean => value > 0 && value < Infinity;
  if (!(positive(start) && positive(end) && Number.isInteger(steps) && steps >= 1)) {
    throw new UsageError(
      "Cannot make a schedule of epsilon: expected finite ends > 0 and an integer number of steps >= 1, " +
        `got "${start}", "${end}" and "${steps}"`,
    );
  }
  return (step) => {
    if (!(step >= 0)) throw new UsageError(`Cannot use step "${step}": expected a number >= 0`);
    const t = Math.min(1, step / steps);
    if (t === 1) return end;
    switch (kind) {
      case "linear":
        return start + t * (end - start);
      case "cosine":
        return end + (start - end) * (1 + Math.cos(Math.PI * t)) / 2;
      case "exponential":
        return start * (end / start) ** t;
      default:
        return assertNever(kind);
    }
  };
}
