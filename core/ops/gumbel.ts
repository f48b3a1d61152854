/** Gumbel noise from uniform numbers. */
import { add, argument, constant, div, log, log1p, neg, sub } from "../graph/expression.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyElementwise, elementwiseOp } from "./elementwise.ts";

/**
 * u in [0, 1), multiples of 2^-23 as from `threefryUniform` → -ln(-ln(u + 2^-24)), which is finite, from -2.9
 * to 16.7. argmax(s + gumbel) is e with probability softmax(s)_e. Source: Gumbel 1954; Maddison et al. 2014, §2.
 */
export function gumbel(u: Tensor): Tensor {
  return applyElementwise(op, [u]);
}

const MIDDLE = add(argument(0), constant(2 ** -24)); // exact, inside (0, 1)

/** Found by the loop over all ops. */
export const op = elementwiseOp({
  name: "gumbel",
  doc: "Gumbel noise -ln(-ln(u + 2^-24)) from uniform numbers",
  operands: ["u"],
  // -ln u as ln(1 + (1 - u)/u): a built-in logarithm near u = 1 may be 161 ulp off, or 0.
  expression: neg(log(log1p(div(sub(constant(1), MIDDLE), MIDDLE)))),
  trials: [
    {
      name: "uniform numbers",
      inputs: [{ type: f32(1021), law: (_, u) => Math.floor(u * 2 ** 23) / 2 ** 23 }],
      tolerance: 1e-6, // two logarithms
      gradientTolerance: false, // noise has none
    },
    {
      name: "the smallest and the largest",
      inputs: [{ type: f32(4), law: [0, 2 ** -23, 1 - 2 ** -22, 1 - 2 ** -23] }],
      tolerance: 1e-6,
      gradientTolerance: false,
    },
  ],
});
