/** Gate of modern feed-forward layers: silu(x) y in one kernel. */
import { add, argument, constant, div, exp, min, mul, neg } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/** x / (1 + exp(-x)) y elementwise with right-aligned broadcasting. Source: Shazeer 2020, equation 6 (SwiGLU). */
export function siluMul(x: Tensor, y: Tensor): Tensor {
  return applyElementwise(op, [x, y]);
}

/** Found by the loop over all ops. */
export const op = elementwiseOp({
  name: "silu_mul",
  doc: "silu(x) y",
  operands: ["x", "y"],
  expression: mul(
    div(argument(0), add(constant(1), exp(min(neg(argument(0)), constant(80))))),
    argument(1),
  ),
  trials: [
    {
      name: "values where exp(-x) would overflow",
      inputs: [{ type: f32(6), law: [-1000, -100, -90, -85, 90, 1000] }, {
        type: f32(6),
        law: "normal",
      }],
      tolerance: 2e-6,
      gradientTolerance: 1e-5,
    },
    {
      name: "values of both signs, tiny and large",
      inputs: [{ type: f32(7, 67), law: "awkward" }, { type: f32(7, 67), law: "normal" }],
      tolerance: 2e-6, // a few ulp of exp, relative to the largest output
      gradientTolerance: 1e-5,
    },
    {
      name: "a gate per row",
      inputs: [{ type: f32(65, 12), law: "normal" }, { type: f32(65, 1), law: "normal" }],
      tolerance: 2e-6,
      gradientTolerance: 1e-5,
    },
  ],
});
