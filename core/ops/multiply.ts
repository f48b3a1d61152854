/** Product of two tensors. */
import { argument, mul } from "../graph/expression.ts";
import type { Tensor } from "../graph/tensor.ts";
import { broadcastTrials } from "./broadcast_trials.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/** x y elementwise with right-aligned broadcasting. */
export function multiply(x: Tensor, y: Tensor): Tensor {
  return applyElementwise(op, [x, y]);
}

export const op = elementwiseOp({
  name: "multiply",
  doc: "Product of two tensors",
  operands: ["x", "y"],
  expression: mul(argument(0), argument(1)),
  trials: broadcastTrials("normal"),
});
