/** A tensor times a number fixed when the graph is traced. */
import { argument, constant, mul } from "../graph/expression.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyExpression } from "./elementwise.ts";

/** factor x; the factor is rounded to f32. */
export function scale(x: Tensor, factor: number): Tensor {
  return applyExpression("scale", mul(constant(factor), argument(0)), [x]);
}
