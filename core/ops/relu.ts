/** Rectified linear unit max(x, 0). */
import { argument, constant, max } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/** max(x, 0); at x = 0 the gradient is 1. */
export function relu(x: Tensor): Tensor {
  return applyElementwise(op, [x]);
}

export const op = elementwiseOp({
  name: "relu",
  doc: "Rectified linear unit max(x, 0)",
  operands: ["x"],
  expression: max(argument(0), constant(0)),
  trials: [
    {
      name: "values of both signs away from the kink",
      inputs: [{ type: f32(1021), law: (_, u) => u < 0.5 ? -0.1 - u : u }],
      tolerance: 0, // exact
      gradientTolerance: 1e-5,
    },
  ],
});
