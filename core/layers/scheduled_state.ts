/**
 * A number that follows the count of updates. It lives in a state: an update reads the value that the updates before it
 * led to, and leaves the next one, which evaluation, streams and saved models find there. docs/mathematics.md §8.
 */
import { f32 } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";

/** Tensor (1) of a schedule's value after the update that is traced, by the schedule's name. */
export type Scheduled = (name: string) => Tensor;

export interface ScheduledStateOptions {
  /** The schedule's value before the first update. */
  readonly initial: number;
  /** There in training alone; without it the value stands still. */
  readonly scheduled: Scheduled | undefined;
}

/** The present value of the schedule `name`, (1) f32. To be declared for every purpose, so that all have the state. */
export function scheduledState(
  graph: Graph,
  name: string,
  { initial, scheduled }: ScheduledStateOptions,
): Tensor {
  const state = graph.state(name, { type: f32(1), initial });
  if (scheduled) graph.carry(state, scheduled(name));
  return state;
}
