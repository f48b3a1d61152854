import { broadcastIndexing, sameShape, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";

/** Sums `x` down to a shape that broadcasts to its own: the transpose of broadcasting. */
export function sumTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.type.shape, shape)) return x;
  const total = sizeOf(x.type.shape);
  const { inner, size } = broadcastIndexing(shape, x.type.shape);
  const kept = sizeOf(shape) === 1 ? 1 : size;
  const innerSize = kept === 1 ? total : inner;
  const outer = total / (kept * innerSize);
  let y = reshape(x, [outer * kept, innerSize, 1]);
  if (innerSize > 1) y = sum(y, { axis: 1 });
  y = reshape(y, [1, outer, kept]);
  if (outer > 1) y = sum(y, { axis: 1 });
  return reshape(y, shape);
}
