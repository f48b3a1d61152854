import { modelOf } from "../models/registry.ts";
import type { UnitConfig } from "../manifest/unit_config.ts";

/** The schedules of a model that training ends before: "epsilon ends at 0.985 after 1105 of 10000 updates". */
export function unfinishedSchedules({ model, train: { steps } }: {
  readonly model: UnitConfig["model"];
  readonly train: Pick<UnitConfig["train"], "steps">;
}): readonly string[] {
  if (model.kind !== "resnet-bk") return [];
  const updatesOf = { epsilon: model.epsilonSteps, gumbel: model.gumbelSteps };
  const schedules = modelOf(model).schedules?.(model) ?? {};
  return Object.entries(updatesOf)
    .filter(([name, updates]) => Object.hasOwn(schedules, name) && steps < updates)
    .map(([name, updates]) => {
      const end = Number(schedules[name](steps).toPrecision(3));
      return `${name} ends at ${end} after ${steps} of ${updates} updates`;
    });
}
