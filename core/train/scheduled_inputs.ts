import { HarnessError } from "../errors.ts";
import { type ModelConfig, modelOf } from "../models/registry.ts";
import type { StepInput } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";

/** Names of inputs that are scheduled values begin so; the rest names the schedule. */
export const SCHEDULE_PREFIX = "schedule/";

/**
 * The scheduled values that an update uploads, by the names of the plan's inputs, as a function of the number of
 * updates done with it: 1 for the first. They depend on that number alone, so that a resumed run has the same bits.
 *
 * @throws {HarnessError} If the plan's schedules are not the model's
 */
export function scheduledInputs(
  { inputs }: Pick<Plan, "inputs">,
  { model }: { readonly model: ModelConfig },
): (updates: number) => StepInput {
  const schedules = modelOf(model).schedules?.(model) ?? {};
  const read = [...inputs.keys()].filter((name) => name.startsWith(SCHEDULE_PREFIX)).toSorted();
  const given = Object.keys(schedules).map((name) => SCHEDULE_PREFIX + name).toSorted();
  if (read.join() !== given.join()) {
    throw new HarnessError(
      `Cannot fill the schedules of a model of kind "${model.kind}": its plan reads "${
        read.join(", ")
      }", and ` +
        `the model gives "${given.join(", ")}"`,
    );
  }
  return (updates) =>
    Object.fromEntries(
      Object.entries(schedules).map(([name, valueAfter]) => [
        SCHEDULE_PREFIX + name,
        Float32Array.of(valueAfter(updates)),
      ]),
    );
}
