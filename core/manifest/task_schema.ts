/** Tasks whose sequences are made by a rule; the keys under `data.task`. */
import {
  integer,
  manifestError,
  memberPlace,
  objectOf,
  oneOf,
  type Read,
  type Schema,
  uniqueList,
} from "./schema.ts";

const recall = objectOf({
  kind: oneOf("recall"),
  /** Tokens between a value and the places where it is asked for, ascending. */
  lags: uniqueList(integer({ min: 1 })),
  /** Different values. */
  values: integer({ min: 2, max: 255 }),
  /** Different tokens that stand in between. */
  fillers: integer({ min: 1, max: 255 }),
});

/** A task, by its `kind`. */
export type TaskSettings = Read<typeof recall>;

export const taskSchema: Schema<TaskSettings> = {
  read: (value, at) => {
    const task = recall.read(value, at);
    if (task.lags === undefined) return task; // a patch
    const place = task.lags.findIndex((lag, k) => k > 0 && lag < task.lags[k - 1]);
    if (place < 0) return task;
    throw manifestError(
      memberPlace(at, `lags[${place}]`),
      `expected ascending lags, got ${task.lags[place]} after ${task.lags[place - 1]}`,
    );
  },
};
