/** Backward pass of linear_scan: the same scan, reversed, with the factors shifted by one. */
import source from "../../shaders/linear_scan.wgsl" with { type: "text" };
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { linearScanLaunches, linearScanScratch } from "./linear_scan_launches.ts";

/** a, y, dy: (B, N, C) → da and dx, (B, N, C). */
export function linearScanVjp(
  a: Tensor,
  y: Tensor,
  { dy }: { readonly dy: Tensor },
): { readonly da: Tensor; readonly dx: Tensor } {
  const [da, dx] = applyAll(op, [a, y, dy], {});
  return { da, dx };
}

const trial = (name: string, shape: Shape): Trial => ({
  name,
  inputs: [
    { type: f32(...shape), law: (_, u) => 2.2 * u - 1.1 },
    { type: f32(...shape), law: "normal" },
    { type: f32(...shape), law: "normal" },
  ],
  attributes: {},
  tolerance: 2e-6, // a few roundings, as factors shrink
  gradientTolerance: false,
});

export const op: Op<Attributes> = {
  name: "linear_scan_vjp",
  signature: {
    doc: "Backward pass of linear_scan",
    inputs: [
      { name: "a", doc: "factors (B, N, C)" },
      { name: "y", doc: "output of linear_scan (B, N, C)" },
      { name: "dy", doc: "its cotangent (B, N, C)" },
    ],
    outputs: [{ name: "da", doc: "(B, N, C)" }, { name: "dx", doc: "(B, N, C)" }],
    params: {},
  },
  infer: ([a, y, dy]) => {
    expectRank("factors of linear_scan", a, { rank: 3 });
    expectShape("the output of linear_scan", y, a);
    expectShape("the cotangent of linear_scan", dy, a);
    return [f32(...a.shape), f32(...a.shape)];
  },
  reference: ({ inputs: [type] }, { inputs: [a, y, dy], outputs: [da, dx] }) => {
    const [batch, n, channels] = type.shape;
    // dx_j = sum_{i >= j} (a_{j+1} ... a_i) dy_i; y_j reaches the loss as x_j does, and da_j = dx_j y_{j-1}.
    for (let b = 0; b < batch; b++) {
      for (let c = 0; c < channels; c++) {
        const at = (i: number): number => (b * n + i) * channels + c;
        for (let j = 0; j < n; j++) {
          let product = 1;
          let total = dy[at(j)];
          for (let i = j + 1; i < n && product !== 0; i++) {
            product *= a[at(i)];
            total += product * dy[at(i)];
          }
          dx[at(j)] = total;
          da[at(j)] = j === 0 ? 0 : total * y[at(j - 1)];
        }
      }
    }
  },
  scratch: linearScanScratch,
  lower: {
    webgpu: (site, _, limits) =>
      linearScanLaunches(site, limits, {
        source,
        entryPoint: "backward",
        operands: [input(0), input(2)],
        results: [input(1), output(1), output(0)],
      }),
  },
  cost: ({ inputs: [a] }) => ({ flops: 3 * sizeOf(a.shape), bytes: 20 * sizeOf(a.shape) }),
  trials: [
    trial("one position", [2, 1, 3]),
    trial("a prime length", [3, 31, 5]),
    trial("chunks and a position more", [2, 257, 3]),
  ],
};
