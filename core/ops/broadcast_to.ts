/** A tensor repeated to a larger shape. */
import { argument, mul } from "../graph/expression.ts";
import { sameShape, type Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyExpression } from "./elementwise.ts";
import { fill } from "./fill.ts";

/** Repeats `x` along the axes where its size is 1, to `shape`. */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.type.shape, shape)) return x;
  const ones = fill(x.graph, { shape, value: 1 });
  return applyExpression("broadcast_to", mul(argument(0), argument(1)), [x, ones]);
}
