/** First-order linear recurrence along the middle axis: the scan of state-space models. */
import source from "../../shaders/linear_scan.wgsl" with { type: "text" };
import { input, type Op, output, stopped, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { linearScanLaunches, linearScanScratch } from "./linear_scan_launches.ts";
import { linearScanVjp } from "./linear_scan_vjp.ts";

/** a, x: (B, N, C) → y (B, N, C) with y_i = a_i y_{i-1} + x_i and y_0 = x_0. */
export function linearScan(a: Tensor, x: Tensor): Tensor {
  return apply(op, [a, x], {});
}

const trial = (name: string, shape: Shape): Trial => ({
  name,
  inputs: [
    // Factors of both signs, some above 1; their products shrink.
    { type: f32(...shape), law: (_, u) => 2.2 * u - 1.1 },
    { type: f32(...shape), law: "awkward" },
  ],
  attributes: {},
  tolerance: 2e-6, // a few roundings, as factors shrink
  gradientTolerance: 1e-5,
});

export const op: Op = {
  name: "linear_scan",
  signature: {
    doc: "First-order recurrence y_i = a_i y_{i-1} + x_i along the middle axis",
    inputs: [
      { name: "a", doc: "factors (B, N, C); a_0 is not used" },
      { name: "x", doc: "(B, N, C)" },
    ],
    outputs: [{ name: "y", doc: "(B, N, C)" }],
    params: {},
  },
  infer: ([a, x]) => {
    expectRank("factors of linear_scan", a, { rank: 3 });
    expectShape("the driven sequence of linear_scan", x, a);
    return [f32(...x.shape)];
  },
  vjp: ({ inputs: [a], outputs: [y], cotangents: [dy], needs }) => {
    if (!dy) return [];
    const { da, dx } = linearScanVjp(a, y, { dy });
    return [needs[0] ? da : stopped, needs[1] ? dx : stopped];
  },
  reference: ({ inputs: [type] }, { inputs: [a, x], outputs: [y] }) => {
    const [batch, n, channels] = type.shape;
    // y_i = sum_{j <= i} (a_{j+1} ... a_i) x_j, the weights of one y_i grown from the right.
    for (let b = 0; b < batch; b++) {
      for (let c = 0; c < channels; c++) {
        const at = (i: number): number => (b * n + i) * channels + c;
        for (let i = 0; i < n; i++) {
          let product = 1;
          let total = 0;
          for (let j = i; j >= 0; j--) {
            total += product * x[at(j)];
            product *= a[at(j)];
          }
          y[at(i)] = total;
        }
      }
    }
  },
  keepsF32: true,
  scratch: linearScanScratch,
  lower: {
    webgpu: (site, _, limits) =>
      linearScanLaunches(site, limits, {
        source,
        entryPoint: "forward",
        operands: [input(0), input(1)],
        results: [output(0)],
      }),
  },
  cost: ({ inputs: [x] }) => ({ flops: 2 * sizeOf(x.shape), bytes: 12 * sizeOf(x.shape) }),
  trials: [
    trial("one position", [2, 1, 3]),
    trial("a prime length", [3, 31, 5]),
    trial("more channels than lanes", [1, 7, 67]),
    trial("one piece exactly", [1, 256, 1]),
    trial("chunks and a position more", [2, 257, 1]),
    trial("a prime length in chunks", [1, 401, 1]),
  ],
};
