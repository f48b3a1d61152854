/** Rectified linear unit. */
import { argument, constant, less } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/**
 * 0 where x < 0, else x; at x = 0 the gradient is 1. Written as a choice rather than a maximum, because a
 * maximum may turn NaN into 0 and so hide a run that has failed.
 */
export function relu(x: Tensor): Tensor {
  return applyElementwise(op, [x]);
}

/** Found by the loop over all ops. */
export const op = elementwiseOp({
  name: "relu",
  doc: "Rectified linear unit: 0 where x < 0, else x",
  operands: ["x"],
  expression: less(argument(0), constant(0), { then: constant(0), otherwise: argument(0) }),
  trials: [
    {
      name: "values of both signs away from the kink",
      inputs: [{ type: f32(1021), law: (_, u) => u < 0.5 ? -0.1 - u : u }],
      tolerance: 0, // exact
      gradientTolerance: 1e-5,
    },
  ],
});
