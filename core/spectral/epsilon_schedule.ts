import { type ScheduleShape, valueSchedule } from "./value_schedule.ts";

/** Shape of the way from start to end. */
export type EpsilonScheduleKind = ScheduleShape;

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
 * linear start + t (end - start); cosine end + (start - end)(1 + cos pi t)/2; exponential start (end/start)^t. A model
 * whose settings say `epsilon_schedule` multiplies eta by it in training. docs/mathematics.md §8.
 *
 * @throws {UsageError} If an end is not positive and within f32, or steps no integer >= 1; the schedule, if a step is
 *   negative
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
  return valueSchedule({ what: "epsilon", start, end, steps, shape: kind });
}
