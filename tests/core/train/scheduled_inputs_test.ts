import { assertEquals, assertThrows } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { scheduledInputs } from "../../../core/train/scheduled_inputs.ts";
import { resnetBk } from "../models/_resnet_bk.ts";

const BOTH = resnetBk({
  dModel: 4,
  nLayers: 1,
  tieHead: true,
  epsilonSchedule: "linear",
  epsilonStart: 2,
  epsilonEnd: 1,
  epsilonSteps: 4,
  gumbel: 1,
  gumbelSchedule: "exponential",
  gumbelEnd: 0.25,
  gumbelSteps: 4,
});

/** The inputs of a plan, by name. */
function inputs(...names: readonly string[]): Pick<Plan, "inputs"> {
  return { inputs: new Map(names.map((name, k) => [name, k])) };
}

Deno.test("scheduledInputs() gives each schedule's value after so many updates, and no other input", () => {
  const plan = inputs("tokens/0", "schedule", "schedule/gumbel", "schedule/epsilon");
  const at = scheduledInputs(plan, { model: BOTH });
  const found = [1, 2, 4, 9].map((updates) => at(updates));
  // 2 - t/4; 4^(-t/4)
  assertEquals(found, [
    { "schedule/epsilon": Float32Array.of(1.75), "schedule/gumbel": Float32Array.of(Math.SQRT1_2) },
    { "schedule/epsilon": Float32Array.of(1.5), "schedule/gumbel": Float32Array.of(0.5) },
    { "schedule/epsilon": Float32Array.of(1), "schedule/gumbel": Float32Array.of(0.25) },
    { "schedule/epsilon": Float32Array.of(1), "schedule/gumbel": Float32Array.of(0.25) },
  ]);
});

Deno.test("scheduledInputs() of a model without schedules is nothing", () => {
  const model = { kind: "transformer", dModel: 4, nLayers: 1, tieHead: true, nHeads: 1 } as const;
  assertEquals(scheduledInputs(inputs("schedule", "slot"), { model })(1), {});
  const still = resnetBk({ dModel: 4, nLayers: 1, tieHead: true });
  assertEquals(scheduledInputs(inputs("schedule", "slot"), { model: still })(1), {});
});

Deno.test("scheduledInputs() refuses a plan whose schedules are not the model's", () => {
  for (const names of [[], ["schedule/epsilon"], ["schedule/epsilon", "schedule/other"]]) {
    assertThrows(
      () => scheduledInputs(inputs(...names), { model: BOTH }),
      HarnessError,
      'the model gives "schedule/epsilon, schedule/gumbel"',
    );
  }
});
