/** log(1 + exp(x)) without overflow. */
import { abs, add, argument, constant, exp, log1p, max, neg } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|), which neither overflows nor loses small values. */
export function softplus(x: Tensor): Tensor {
  return applyElementwise(op, [x]);
}

export const op = elementwiseOp({
  name: "softplus",
  doc: "log(1 + exp(x)) without overflow",
  operands: ["x"],
  expression: add(
    max(argument(0), constant(0)),
    log1p(exp(neg(abs(argument(0))))),
  ),
  trials: [
    {
      name: "values of both signs away from the kink of its two-part form",
      inputs: [{
        type: f32(1021),
        law: (_, u) => u < 0.5 ? -40 * u - 0.01 : 40 * (u - 0.5) + 0.01,
      }],
      tolerance: 2e-6,
      gradientTolerance: 1e-5,
    },
  ],
});
