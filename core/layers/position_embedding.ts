import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";

/** x (B, N, D) → x plus a learned vector per position (N, D). */
export function positionEmbedding(x: Tensor): Tensor {
  const [, seqLen, width] = x.type.shape;
  const table = x.graph.parameter("position", {
    type: f32(seqLen, width),
    initial: { kind: "normal", standardDeviation: 0.02 },
    decay: true,
  });
  return add(x, table);
}
