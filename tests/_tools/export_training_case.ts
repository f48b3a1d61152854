/**
 * Prints what tests/golden/training_torch.py needs to repeat our training runs: settings, initial
 * parameters and batches of each case, as JSON.
 *
 * deno run tests/_tools/export_training_case.ts > training_cases.json
 */
import { sizeOf } from "../../core/graph/shape.ts";
import { initialParameters } from "../../core/train/initial_parameters.ts";
import { trainingPlan } from "../../core/train/training_graph.ts";
import { TRAINING_CASES, trainingBatches } from "../core/train/_training_case.ts";

const cases = TRAINING_CASES.map((one) => {
  const { settings } = one;
  const plan = trainingPlan(settings);
  const arena = initialParameters(plan, settings.seed);
  const parameters = plan.parameters.map(({ name, tensor }) => {
    const { byteOffset, type: { shape } } = plan.tensors[tensor];
    const first = byteOffset / 4;
    return [name, { shape, values: [...arena.subarray(first, first + sizeOf(shape))] }] as const;
  });
  const batchOf = trainingBatches(one);
  const batches = Array.from({ length: settings.schedule.steps }, (_, step) => {
    const { tokens, targets } = batchOf(step);
    return { tokens: [...tokens], targets: [...targets] };
  });
  return { ...one, parameters: Object.fromEntries(parameters), batches };
});
console.log(JSON.stringify(cases));
