import type { StreamStart } from "../evaluate/stream.ts";
import type { Plan } from "../plan/plan.ts";
import { type ModelTensors, parameterArena, stateArena } from "../train/model_tensors.ts";

/**
 * A saved model's arenas for any plan of it.
 *
 * @throws {StoreError} Where called: if the plan's tensors are not the model's
 */
export function modelStart(file: ModelTensors): (plan: Plan) => StreamStart {
  return (plan) => ({ param: parameterArena(plan, file), state: stateArena(plan, file) });
}
