/** Sum of two tensors. */
import { add as add_, argument } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
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
