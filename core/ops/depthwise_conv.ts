/** Causal convolution of every channel with taps of its own. */
import source from "../../shaders/depthwise_conv.wgsl" with { type: "text" };
import { type Op, stopped, type Trial } from "../graph/op.ts";
import { f32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { depthwiseConvVjpW } from "./depthwise_conv_vjp_w.ts";
import { depthwiseConvVjpX } from "./depthwise_conv_vjp_x.ts";
import { depthwiseDispatches, expectDepthwise } from "./depthwise_dispatch.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";

/**
 * x (B, N, C), weights (C, k) → y (B, N, C), y[b, t, c] = sum_j weights[c, j] x[b, t - k + 1 + j, c] with zeros
 * before the first position. A bias is a separate `add`.
 */
export function depthwiseConv(x: Tensor, weights: Tensor): Tensor {
  return apply(op, [x, weights], {});
}

const trial = (
  name: string,
  [batch, n, channels]: readonly [number, number, number],
  taps: number,
): Trial => ({
  name,
  inputs: [
    { type: f32(batch, n, channels), law: "awkward" },
    { type: f32(channels, taps), law: "normal" },
  ],
  attributes: {},
  tolerance: 2e-6, // sums of k terms
  gradientTolerance: 1e-5, // sums over positions
});

export const op: Op = {
  name: "depthwise_conv",
  signature: {
    doc: "Causal convolution of every channel with taps of its own",
    inputs: [
      { name: "x", doc: "(B, N, C)" },
      { name: "weights", doc: "(C, k); the last tap belongs to the position itself" },
    ],
    outputs: [{ name: "y", doc: "(B, N, C)" }],
    params: {},
  },
  infer: ([x, weights]) => {
    expectDepthwise(x, weights);
    return [f32(...x.shape)];
  },
  vjp: ({ inputs: [x, weights], cotangents: [dy], needs }) => {
    if (!dy) return [];
    const taps = needs[1] ? depthwiseConvVjpW(x, dy, { taps: weights.type.shape[1] }) : undefined;
    return [
      needs[0] ? depthwiseConvVjpX(dy, weights) : stopped,
      taps === undefined ? stopped : reshape(sum(taps, { axis: 0 }), weights.type.shape),
    ];
  },
  reference: ({ inputs: [type, { shape: [, taps] }] }, { inputs: [x, w], outputs: [y] }) => {
    const [, n, channels] = type.shape;
    y.forEach((_, i) => {
      const [c, t] = [i % channels, Math.floor(i / channels) % n];
      y[i] = 0;
      for (let back = 0; back < Math.min(taps, t + 1); back++) {
        y[i] += w[c * taps + taps - 1 - back] * x[i - back * channels];
      }
    });
  },
  lower: {
    webgpu: (site, _, limits) =>
      depthwiseDispatches(site, { ...limits, source, isTransposed: false }),
  },
  cost: ({ inputs: [x, weights] }) => ({
    flops: 2 * weights.shape[1] * sizeOf(x.shape),
    bytes: 8 * sizeOf(x.shape) + 4 * sizeOf(weights.shape),
  }),
  trials: [
    trial("one position", [2, 1, 3], 4),
    trial("fewer positions than taps", [3, 2, 5], 4),
    trial("one tap", [1, 7, 2], 1),
    trial("a prime length", [2, 31, 7], 4),
    trial("channels in fours, a run and a position", [2, 129, 8], 3),
  ],
};
