/** -ln p of probabilities. */
import { argument, constant, div, log1p, max, min, neg, sub } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import {
  applyElementwise,
  applyExpression,
  type ElementwiseOp,
  elementwiseOp,
} from "./elementwise.ts";

/** p in [0, 1] → -ln p in nats, at most 69.1: a p below 1e-30 counts as 1e-30, so that p (-ln p) is 0 at p = 0. */
export function surprisal(p: Tensor): Tensor {
  return applyElementwise(op, [p]);
}

/** Smallest p that is told apart from 0. */
const LEAST = constant(1e-30);
const BOUNDED = max(min(argument(0), constant(1)), LEAST);

const base = elementwiseOp({
  name: "surprisal",
  doc: "-ln p of probabilities, in nats",
  operands: ["p"],
  // ln(1 + (1 - p)/p): near p = 1 a built-in logarithm may be 161 ulp off, log1p near 0 is not.
  expression: log1p(div(sub(constant(1), BOUNDED), BOUNDED)),
  trials: [
    {
      name: "probabilities",
      inputs: [{ type: f32(1021), law: (_, u) => 0.01 + 0.98 * u }],
      tolerance: 1e-6, // a division and a logarithm
      gradientTolerance: 1e-5,
    },
    {
      name: "nearly certain",
      inputs: [{ type: f32(67), law: (_, u) => 1 - 1e-3 * u }],
      tolerance: 1e-6,
      gradientTolerance: false, // p beyond 1 in the differences
    },
    {
      name: "nearly and entirely impossible",
      inputs: [{ type: f32(5), law: [0, 1e-35, 1e-20, 1e-6, 1] }],
      tolerance: 1e-6,
      gradientTolerance: false, // a kink
    },
  ],
});

const SLOPE = div(neg(argument(1)), max(argument(0), LEAST));

/** Found by the loop over all ops. */
export const op: ElementwiseOp = {
  ...base,
  // -1/p: the derivative of the expression would square p, which leaves the range of f32.
  vjp: ({ inputs: [p], cotangents: [dy] }) =>
    dy ? [applyExpression("surprisal_vjp", SLOPE, [p, dy])] : [],
};
