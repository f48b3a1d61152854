/** What of a resnet-bk model changes with the number of updates: epsilon, a factor of eta, and the gate's temperature. */
import type { Graph, Tensor } from "../graph/tensor.ts";
import type { EtaFactor } from "../layers/green_operands.ts";
import { type Scheduled, scheduledState } from "../layers/scheduled_state.ts";
import {
  type ScheduleShape,
  type ValueSchedule,
  valueSchedule,
} from "../spectral/value_schedule.ts";

/** Settings of the schedules. `none`: the value is constant, and the plan has no schedule. */
export interface ResnetBkSchedules {
  /** How epsilon, the factor of eta, goes from start to end; `none`: 1. Not `epsilon`, the width of prime bumps. */
  readonly epsilonSchedule: ScheduleShape | "none";
  /** epsilon before the first update. */
  readonly epsilonStart: number;
  /** epsilon after `epsilonSteps` updates and from there on. */
  readonly epsilonEnd: number;
  /** Updates from start to end. */
  readonly epsilonSteps: number;
  /** Temperature of Gumbel noise on the gate in training, with a schedule before the first update; 0: no noise. */
  readonly gumbel: number;
  /** How the temperature goes from `gumbel` to `gumbelEnd`; `none`: it is `gumbel` throughout. */
  readonly gumbelSchedule: ScheduleShape | "none";
  /** Temperature after `gumbelSteps` updates and from there on. */
  readonly gumbelEnd: number;
  /** Updates from `gumbel` to `gumbelEnd`. */
  readonly gumbelSteps: number;
}

/** The schedules that a configuration asks for, by name. */
export function resnetBkSchedules(
  config: ResnetBkSchedules,
): Readonly<Record<string, ValueSchedule>> {
  const { epsilonSchedule, gumbelSchedule } = config;
  return {
    ...(epsilonSchedule === "none" ? {} : {
      epsilon: valueSchedule({
        what: "epsilon",
        start: config.epsilonStart,
        end: config.epsilonEnd,
        steps: config.epsilonSteps,
        shape: epsilonSchedule,
      }),
    }),
    ...(gumbelSchedule === "none" ? {} : {
      gumbel: valueSchedule({
        what: "the temperature of Gumbel noise",
        start: config.gumbel,
        end: config.gumbelEnd,
        steps: config.gumbelSteps,
        shape: gumbelSchedule,
      }),
    }),
  };
}

/** The present values, on one graph. */
export interface ScheduledValues {
  /** Absent where epsilon is constant. */
  readonly etaFactor?: EtaFactor;
  /** Temperature of the gate's noise, (1) where it is scheduled; 0: no noise. */
  readonly temperature: Tensor | number;
}

/** Declares the states of the schedules that a configuration asks for, and none otherwise. */
export function scheduledValues(
  graph: Graph,
  { config, scheduled }: { readonly config: ResnetBkSchedules; readonly scheduled?: Scheduled },
): ScheduledValues {
  const { epsilonStart, epsilonEnd } = config;
  const schedules = resnetBkSchedules(config);
  return graph.scope("schedule", () => {
    const valueOf = (name: string): Tensor | undefined =>
      Object.hasOwn(schedules, name)
        ? scheduledState(graph, name, { initial: schedules[name](0), scheduled })
        : undefined;
    const epsilon = valueOf("epsilon");
    const temperature = valueOf("gumbel") ?? config.gumbel;
    // All shapes are monotone but for roundings of f64, which stay far within 2^-44; rounding to f32 is monotone.
    const least = Math.fround(Math.min(epsilonStart, epsilonEnd) * (1 - 2 ** -44));
    return epsilon ? { etaFactor: { value: epsilon, least }, temperature } : { temperature };
  });
}
