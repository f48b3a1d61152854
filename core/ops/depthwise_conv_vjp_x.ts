/** Gradient of depthwise_conv by its input: the transposed convolution, which looks ahead. */
import source from "../../shaders/depthwise_conv.wgsl" with { type: "text" };
import { type Attributes, type Op, type Trial } from "../graph/op.ts";
import { f32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { depthwiseDispatches, expectDepthwise } from "./depthwise_dispatch.ts";

/** dy (B, N, C), weights (C, k) → dx[b, t, c] = sum_j weights[c, j] dy[b, t + k - 1 - j, c]. */
export function depthwiseConvVjpX(dy: Tensor, weights: Tensor): Tensor {
  return apply(op, [dy, weights], {});
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
  gradientTolerance: false,
});

export const op: Op<Attributes> = {
  name: "depthwise_conv_vjp_x",
  signature: {
    doc: "Gradient of depthwise_conv by its input",
    inputs: [{ name: "dy", doc: "(B, N, C)" }, { name: "weights", doc: "(C, k)" }],
    outputs: [{ name: "dx", doc: "(B, N, C)" }],
    params: {},
  },
  infer: ([dy, weights]) => {
    expectDepthwise(dy, weights);
    return [f32(...dy.shape)];
  },
  reference: ({ inputs: [type, { shape: [, taps] }] }, { inputs: [dy, w], outputs: [dx] }) => {
    const [, n, channels] = type.shape;
    dx.fill(0);
    // Each dy_t goes back to the positions that made y_t.
    dy.forEach((value, i) => {
      const [c, t] = [i % channels, Math.floor(i / channels) % n];
      for (let back = 0; back < Math.min(taps, t + 1); back++) {
        dx[i - back * channels] += w[c * taps + taps - 1 - back] * value;
      }
    });
  },
  lower: {
    webgpu: (site, _, limits) =>
      depthwiseDispatches(site, { ...limits, source, isTransposed: true }),
  },
  cost: ({ inputs: [dy, weights] }) => ({
    flops: 2 * weights.shape[1] * sizeOf(dy.shape),
    bytes: 8 * sizeOf(dy.shape) + 4 * sizeOf(weights.shape),
  }),
  trials: [
    trial("fewer positions than taps", [3, 2, 5], 4),
    trial("channels in fours", [2, 31, 8], 4),
  ],
};
