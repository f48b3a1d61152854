import { sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { reshape } from "../ops/reshape.ts";
import { scale } from "../ops/scale.ts";
import { sum } from "../ops/sum.ts";

/** Mean of all elements, (1). */
export function meanOf(x: Tensor): Tensor {
  const size = sizeOf(x.type.shape);
  return scale(sum(reshape(x, [size, 1]), { axis: 0 }), 1 / size); // (1)
}
