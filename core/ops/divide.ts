/** Quotient of two tensors. */
import { argument, div } from "../graph/expression.ts";
import type { Tensor } from "../graph/tensor.ts";
import { broadcastTrials } from "./broadcast_trials.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/** x / y elementwise with right-aligned broadcasting. */
export function divide(x: Tensor, y: Tensor): Tensor {
  return applyElementwise(op, [x, y]);
}

export const op = elementwiseOp({
  name: "divide",
  doc: "Quotient of two tensors",
  operands: ["x", "y"],
  expression: div(argument(0), argument(1)),
  trials: broadcastTrials("positive"),
});
