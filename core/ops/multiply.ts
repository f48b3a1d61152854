/** Product of two tensors. */
import { argument, mul } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
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
  trials: [
    {
      name: "equal shapes of an awkward size",
      inputs: [{ type: f32(3, 43), law: "awkward" }, { type: f32(3, 43), law: "normal" }],
      tolerance: 2e-6,
      gradientTolerance: 1e-5,
    },
    {
      name: "a row and a column",
      inputs: [{ type: f32(64), law: "normal" }, { type: f32(257, 1), law: "normal" }],
      tolerance: 2e-6,
      gradientTolerance: 1e-5,
    },
    {
      name: "a channel in the middle",
      inputs: [{ type: f32(2, 5, 12), law: "normal" }, { type: f32(5, 1), law: "normal" }],
      tolerance: 2e-6,
      gradientTolerance: 1e-5,
    },
    {
      name: "a scalar",
      inputs: [{ type: f32(1, 9), law: "normal" }, { type: f32(), law: "normal" }],
      tolerance: 2e-6,
      gradientTolerance: 1e-5,
    },
  ],
});
