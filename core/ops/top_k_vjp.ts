/** Backward pass of top_k. */
import source from "../../shaders/top_k.wgsl" with { type: "text" };
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, i32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

export interface TopKVjpAttributes extends Attributes {
  /** Width of the rows that top_k chose from. */
  readonly columns: number;
}

/** indices, dvalues: (rows, k) → (rows, columns): dvalues at the chosen columns, zeros elsewhere. */
export function topKVjp(indices: Tensor, dvalues: Tensor, options: TopKVjpAttributes): Tensor {
  return apply(op, [indices, dvalues], { columns: options.columns });
}

const trial = (
  name: string,
  [rows, columns, k]: readonly [number, number, number],
): Trial<TopKVjpAttributes> => ({
  name,
  inputs: [
    // 1 + 3 n mod columns: distinct in a row as long as columns is no multiple of 3.
    { type: i32(rows, k), law: (i) => (Math.floor(i / k) + 1 + 3 * (i % k)) % columns },
    { type: f32(rows, k), law: "awkward" },
  ],
  attributes: { columns },
  tolerance: 0, // copies
  gradientTolerance: false,
});

export const op: Op<TopKVjpAttributes> = {
  name: "top_k_vjp",
  signature: {
    doc: "Backward pass of top_k: the cotangents at their columns, zeros elsewhere",
    inputs: [{ name: "indices", doc: "(rows, k) i32" }, { name: "dvalues", doc: "(rows, k)" }],
    outputs: [{ name: "dx", doc: "(rows, columns)" }],
    params: { columns: { doc: "width of the rows chosen from" } },
  },
  infer: ([indices, dvalues], { columns }) => {
    expectRank("indices", indices, { rank: 2, dtype: "i32" });
    expectShape("dvalues", dvalues, f32(...indices.shape));
    return [f32(indices.shape[0], columns)];
  },
  reference: (
    { inputs: [{ shape: [, k] }], attributes: { columns } },
    { inputs: [indices, dvalues], outputs: [dx] },
  ) => {
    dx.fill(0);
    indices.forEach((column, i) => dx[Math.floor(i / k) * columns + column] += dvalues[i]);
  },
  lower: {
    webgpu: ({ inputs: [{ shape: [rows, k] }], attributes: { columns } }) => [dispatchThreads({
      source,
      shader: "top_k",
      entryPoint: "backward",
      threads: rows * columns,
      overrides: { COLUMNS: columns, K: k },
      bindings: [input(0), input(1), output(0)],
    })],
  },
  cost: ({ inputs: [{ shape: [rows, k] }], attributes: { columns } }) => ({
    flops: 0,
    bytes: 4 * rows * (2 * k + columns),
  }),
  trials: [
    trial("one of one", [1, 1, 1]),
    trial("one of four", [131, 4, 1]),
    trial("seven of a prime", [5, 67, 7]),
  ],
};
