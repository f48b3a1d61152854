/** A tensor of one constant. */
import source from "../../shaders/fill.wgsl" with { type: "text" };
import { type Attributes, type Op, output } from "../graph/op.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { launchByRows, perRow } from "./row_shards.ts";

export interface FillAttributes extends Attributes {
  readonly value: number;
  /** Sizes joined by commas; empty for a scalar. */
  readonly shape: string;
}

/** A tensor of the given shape whose every element is `value` (rounded to f32). */
export function fill(
  graph: Graph,
  options: { readonly shape: Shape; readonly value: number },
): Tensor {
  const attributes = { value: Math.fround(options.value), shape: options.shape.join(",") };
  const types = op.infer([], attributes);
  return graph.record(op as unknown as Op, [], { attributes, types })[0];
}

export const op: Op<FillAttributes> = {
  name: "fill",
  signature: {
    doc: "Tensor of one constant",
    inputs: [],
    outputs: [{ name: "y", doc: "the given shape" }],
    params: { value: { doc: "the constant" }, shape: { doc: "sizes joined by commas" } },
  },
  infer: (_, { shape }) => [{
    shape: shape === "" ? [] : shape.split(",").map(Number),
    dtype: "f32",
  }],
  vjp: () => [],
  reference: ({ attributes }, { outputs: [y] }) => {
    y.fill(Math.fround(attributes.value));
  },
  lower: {
    webgpu: ({ outputs: [y], attributes: { value } }, _, limits) =>
      launchByRows(
        { rows: sizeOf(y.shape), perRow: [perRow(output(0), 4)], ...limits },
        ({ rows }) => [
          dispatchThreads({
            source,
            shader: "fill",
            threads: rows,
            overrides: { VALUE: value },
            bindings: [output(0)],
          }),
        ],
      ),
  },
  cost: ({ outputs: [y] }) => ({ flops: 0, bytes: 4 * sizeOf(y.shape) }),
  trials: [
    {
      name: "a scalar",
      inputs: [],
      attributes: { value: -2.5, shape: "" },
      tolerance: 0,
      gradientTolerance: false,
    },
    {
      name: "a prime size",
      inputs: [],
      attributes: { value: 0.1, shape: "7,13" },
      tolerance: 0,
      gradientTolerance: false,
    },
  ],
};
