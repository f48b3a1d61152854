/** Position-wise feed-forward of a transformer block. */
import type { Tensor } from "../graph/tensor.ts";
import { gelu } from "../ops/gelu.ts";
import { reshape } from "../ops/reshape.ts";
import { linear } from "./linear.ts";

export interface FeedForwardOptions {
  /** Factor on the first weights of the second product, so that depth does not widen the residual stream. */
  readonly residualScale: number;
}

/**
 * x (B, N, D), normalised → gelu(x W_in) W_out (B, N, D), hidden width 4 D, no biases. Parameters `mlp_in/weight`
 * (D, 4 D) and `mlp_out/weight` (4 D, D). Vaswani et al., "Attention is all you need" (2017), equation (2), with the
 * GELU of Radford et al. (2019).
 *
 * @throws {HarnessError} If a parameter of that name exists
 */
export function feedForward(x: Tensor, { residualScale }: FeedForwardOptions): Tensor {
  const { shape } = x.type;
  const width = shape[shape.length - 1];
  const rows = shape.slice(0, -1).reduce((product, n) => product * n, 1);
  const wide = gelu(
    linear(reshape(x, [rows, width]), {
      name: "mlp_in",
      outputs: 4 * width,
      std: 1 / Math.sqrt(width),
    }),
  ); // (B N, 4 D)
  const narrow = linear(wide, {
    name: "mlp_out",
    outputs: width,
    std: residualScale / Math.sqrt(4 * width),
  });
  return reshape(narrow, shape); // (B, N, D)
}
