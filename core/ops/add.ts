/** Sum of two tensors. */
import { add as add_, argument } from "../graph/expression.ts";
import type { Tensor } from "../graph/tensor.ts";
import { broadcastTrials } from "./broadcast_trials.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/** x + y with right-aligned broadcasting; shapes as in NumPy. */
export function add(x: Tensor, y: Tensor): Tensor {
  return applyElementwise(op, [x, y]);
}

export const op = elementwiseOp({
  name: "add",
  doc: "Sum of two tensors",
  operands: ["x", "y"],
  expression: add_(argument(0), argument(1)),
  trials: broadcastTrials("normal"),
});
