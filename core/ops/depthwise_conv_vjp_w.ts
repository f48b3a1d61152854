/** Gradient of depthwise_conv by its weights, in parts. */
import source from "../../shaders/depthwise_conv.wgsl" with { type: "text" };
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { launchByRows, perRow } from "./row_shards.ts";

export interface DepthwiseWeightsAttributes extends Attributes {
  /** k. */
  readonly taps: number;
}

/** x, dy (B, N, C) → dw (B runs, C, k), sums over runs of 128 positions; the caller sums the rows. */
export function depthwiseConvVjpW(
  x: Tensor,
  dy: Tensor,
  options: DepthwiseWeightsAttributes,
): Tensor {
  return apply(op, [x, dy], { taps: options.taps });
}

/** Positions per partial sum. */
const RUN = 128;

const trial = (
  name: string,
  [batch, n, channels]: readonly [number, number, number],
  taps: number,
): Trial<DepthwiseWeightsAttributes> => ({
  name,
  inputs: [
    { type: f32(batch, n, channels), law: "awkward" },
    { type: f32(batch, n, channels), law: "normal" },
  ],
  attributes: { taps },
  tolerance: 5e-6, // sums of 128 terms in order
  gradientTolerance: false,
});

export const op: Op<DepthwiseWeightsAttributes> = {
  name: "depthwise_conv_vjp_w",
  signature: {
    doc: "Gradient of depthwise_conv by its weights, in sums over runs of positions",
    inputs: [{ name: "x", doc: "(B, N, C)" }, { name: "dy", doc: "(B, N, C)" }],
    outputs: [{ name: "dw", doc: "(B runs, C, k)" }],
    params: { taps: { doc: "k" } },
  },
  infer: ([x, dy], { taps }) => {
    expectRank("the input of depthwise_conv", x, { rank: 3 });
    expectShape("the cotangent of depthwise_conv", dy, x);
    const [batch, n, channels] = x.shape;
    return [f32(batch * Math.ceil(n / RUN), channels, taps)];
  },
  reference: (
    { inputs: [{ shape: [batch, n, channels] }], attributes: { taps } },
    { inputs: [x, dy], outputs: [dw] },
  ) => {
    const runs = Math.ceil(n / RUN);
    dw.fill(0);
    for (let i = 0; i < batch * n * channels; i++) {
      const [c, row] = [i % channels, Math.floor(i / channels)];
      const t = row % n;
      const part = Math.floor(row / n) * runs + Math.floor(t / RUN);
      for (let back = 0; back < Math.min(taps, t + 1); back++) {
        dw[(part * channels + c) * taps + taps - 1 - back] += dy[i] * x[i - back * channels];
      }
    }
  },
  lower: {
    webgpu: ({ inputs: [{ shape: [batch, n, channels] }], attributes: { taps } }, _, limits) => {
      const runs = Math.ceil(n / RUN);
      const tensors = [
        ...[input(0), input(1)].map((binding) => perRow(binding, 4 * n * channels)),
        perRow(output(0), 4 * runs * channels * taps),
      ];
      return launchByRows({ rows: batch, perRow: tensors, ...limits }, ({ rows }) => [
        dispatchThreads({
          source,
          shader: "depthwise_conv",
          entryPoint: "weights",
          threads: rows * runs * channels * taps,
          overrides: { N: n, C: channels, K: taps, RUN, RUNS: runs },
          bindings: [input(1), input(0), output(0)],
        }),
      ]);
    },
  },
  cost: ({ inputs: [x], attributes: { taps } }) => ({
    flops: 2 * taps * sizeOf(x.shape),
    bytes: 8 * sizeOf(x.shape),
  }),
  trials: [
    trial("fewer positions than taps", [3, 2, 5], 4),
    trial("a run and a position", [2, 129, 3], 4),
  ],
};
