/** Short causal convolution of every channel, with a bias. */
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { concat } from "../ops/concat.ts";
import { depthwiseConv } from "../ops/depthwise_conv.ts";
import { slice } from "../ops/slice.ts";
import type { Purpose } from "./purpose.ts";

/** Settings of a causal convolution. */
export interface CausalConvolutionOptions {
  /** k, positions that an output reads. */
  readonly taps: number;
  /** Scope of the parameters `weight` (C, k) and `bias` (C). @default "convolution" */
  readonly name?: string;
  /** What the pass is for; `stream` keeps the last positions of a chunk for the next. */
  readonly purpose: Purpose;
}

/** x (B, N, C) → (B, N, C). Before the first position of a sequence there are zeros. */
export function causalConvolution(x: Tensor, options: CausalConvolutionOptions): Tensor {
  const { taps, name = "convolution", purpose } = options;
  const { graph } = x;
  const channels = x.type.shape[2];
  return graph.scope(name, () => {
    const weight = graph.parameter("weight", {
      type: f32(channels, taps),
      // The spread of a uniform law on ±1/sqrt(k).
      initial: { kind: "normal", standardDeviation: 1 / Math.sqrt(3 * taps) },
      decay: false,
    });
    const bias = graph.parameter("bias", {
      type: f32(channels),
      initial: { kind: "constant", value: 0 },
      decay: false,
    });
    const convolved = purpose === "stream" && taps > 1
      ? convolveOn(x, weight)
      : depthwiseConv(x, weight);
    return add(convolved, bias);
  });
}

/** The same for a chunk: the last positions of the chunk before stand in front of it. */
function convolveOn(x: Tensor, weight: Tensor): Tensor {
  const { graph } = x;
  const [batch, n, channels] = x.type.shape;
  const kept = weight.type.shape[1] - 1;
  const before = graph.state("before", { type: f32(batch, kept, channels), initial: 0 });
  const all = concat([before, x], { axis: 1 }); // (B, k - 1 + N, C)
  graph.carry(before, slice(all, { axis: 1, from: n, to: n + kept }));
  return slice(depthwiseConv(all, weight), { axis: 1, from: kept, to: kept + n });
}
