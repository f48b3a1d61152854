import { prefixTensors } from "../evaluate/prefix_tensors.ts";
import type { StreamStart } from "../evaluate/stream.ts";
import type { Plan } from "../plan/plan.ts";
import { parameterArena, stateArena } from "../train/model_tensors.ts";
import type { ModelFile } from "./model_file.ts";

/**
 * A saved model's arenas for any plan of it. With `seqLen`, the length of the plan, values per position are cut to
 * the first ones where that is shorter than the length of training.
 *
 * @throws {StoreError} Where called: if the plan's tensors are not the model's
 */
export function modelStart(
  file: Pick<ModelFile, "parameters" | "states" | "seqLen">,
  { seqLen = file.seqLen }: { readonly seqLen?: number } = {},
): (plan: Plan) => StreamStart {
  return (plan) => {
    const tensors = prefixTensors(file, { plan, from: file.seqLen, to: seqLen });
    return { param: parameterArena(plan, tensors), state: stateArena(plan, tensors) };
  };
}
