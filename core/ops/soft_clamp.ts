/** Smooth bound on a tensor's values. */
import { argument, constant, div, mul, tanh } from "../graph/expression.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyExpression } from "./elementwise.ts";

/** bound tanh(x / bound): the identity near 0, values in (-bound, bound). docs/mathematics.md §3. */
export function softClamp(x: Tensor, bound: number): Tensor {
  return applyExpression(
    "soft_clamp",
    mul(constant(bound), tanh(div(argument(0), constant(bound)))),
    [x],
  );
}
