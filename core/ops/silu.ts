/** Sigmoid-weighted linear unit x / (1 + exp(-x)), also called swish. */
import { add, argument, constant, div, exp, min, neg } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/** x sigmoid(x). The exponent stops at 80, beyond which its square, in the gradient, would overflow. */
export function silu(x: Tensor): Tensor {
  return applyElementwise(op, [x]);
}

export const op = elementwiseOp({
  name: "silu",
  doc: "Sigmoid-weighted linear unit x / (1 + exp(-x)), also called swish",
  operands: ["x"],
  expression: div(argument(0), add(constant(1), exp(min(neg(argument(0)), constant(80))))),
  trials: [
    {
      name: "values where exp(-x) would overflow",
      inputs: [{ type: f32(6), law: [-1000, -100, -90, -85, 90, 1000] }],
      tolerance: 2e-6,
      gradientTolerance: 1e-5,
    },
    {
      name: "values of both signs, tiny and large",
      inputs: [{ type: f32(1021), law: "awkward" }],
      tolerance: 2e-6, // a few ulp of exp, relative to the largest output
      gradientTolerance: 1e-5,
    },
    {
      name: "one element",
      inputs: [{ type: f32(1), law: "normal" }],
      tolerance: 2e-6,
      gradientTolerance: 1e-5,
    },
  ],
});
