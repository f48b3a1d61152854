/** Gaussian error linear unit in its tanh form. */
import { add, argument, constant, mul, tanh } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/** x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))). Source: Hendrycks and Gimpel 2016, section 2. */
export function gelu(x: Tensor): Tensor {
  return applyElementwise(op, [x]);
}

export const op = elementwiseOp({
  name: "gelu",
  doc: "Gaussian error linear unit in its tanh form",
  operands: ["x"],
  expression: mul(
    mul(constant(0.5), argument(0)),
    add(
      constant(1),
      tanh(mul(
        constant(Math.sqrt(2 / Math.PI)),
        add(argument(0), mul(constant(0.044715), mul(argument(0), mul(argument(0), argument(0))))),
      )),
    ),
  ),
  trials: [
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
