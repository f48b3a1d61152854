/** Gradient of combine_experts with respect to the weights. */
import source from "../../shaders/combine_experts.wgsl" with { type: "text" };
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { sortedGroups } from "./group_tokens.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { launchBySource } from "./source_parts.ts";

export interface CombineExpertsVjpWeightsAttributes extends Attributes {
  /** Choices per row. */
  readonly k: number;
}

/**
 * y (rows k, channels) sorted by expert, dout (rows, channels), rank (rows k) i32 → (rows, k):
 * the dot product of y[rank[r k + n]] and dout[r].
 */
export function combineExpertsVjpWeights(y: Tensor, options: {
  readonly dout: Tensor;
  readonly rank: Tensor;
  readonly k: number;
}): Tensor {
  return apply(op, [y, options.dout, options.rank], { k: options.k });
}

const trial = (
  name: string,
  [rows, k, channels]: readonly [number, number, number],
): Trial<CombineExpertsVjpWeightsAttributes> => ({
  name,
  inputs: [
    { type: f32(rows * k, channels), law: "awkward" },
    { type: f32(rows, channels), law: "normal" },
    {
      type: i32(rows * k),
      law: sortedGroups(Array.from({ length: rows * k }, (_, token) => (3 * token) % 5), 5).rank,
    },
  ],
  attributes: { k },
  tolerance: 5e-6, // sums of up to 129 products of both signs
  gradientTolerance: false,
});

export const op: Op<CombineExpertsVjpWeightsAttributes> = {
  name: "combine_experts_vjp_weights",
  signature: {
    doc: "Gradient of combine_experts with respect to the weights",
    inputs: [
      { name: "y", doc: "(rows k, channels), sorted by expert" },
      { name: "dout", doc: "(rows, channels)" },
      { name: "rank", doc: "(rows k) i32, slot of each (row, choice)" },
    ],
    outputs: [{ name: "dweights", doc: "(rows, k)" }],
    params: { k: { default: 1, doc: "choices per row" } },
  },
  infer: ([y, dout, rank], { k }) => {
    expectRank("dout of combine_experts_vjp_weights", dout, { rank: 2 });
    const [rows, channels] = dout.shape;
    expectShape("y of combine_experts_vjp_weights", y, f32(rows * k, channels));
    expectShape("rank of combine_experts_vjp_weights", rank, i32(rows * k));
    return [f32(rows, k)];
  },
  reference: (
    { inputs: [, { shape: [rows, channels] }], attributes: { k } },
    { inputs: [y, dout, rank], outputs: [dweights] },
  ) => {
    for (let token = 0; token < rows * k; token++) {
      const row = Math.floor(token / k);
      let total = 0;
      for (let m = 0; m < channels; m++) {
        total += y[rank[token] * channels + m] * dout[row * channels + m];
      }
      dweights[token] = total;
    }
  },
  lower: {
    webgpu: ({ inputs: [, { shape: [rows, channels] }], attributes: { k } }, _, limits) => {
      const bytesPerRow = 4 * channels;
      const tensors = [
        perRow(input(1), bytesPerRow),
        perRow(input(2), 4 * k),
        perRow(output(0), 4 * k),
      ];
      const experts = { binding: input(0), rows: rows * k, bytesPerRow, ...limits };
      return launchByRows(
        { rows, perRow: tensors, ...limits },
        (range) =>
          launchBySource(experts, (part) => [dispatchThreads({
            source,
            shader: "combine_experts",
            entryPoint: "backward_weights",
            threads: range.rows * k,
            overrides: { WIDTH: channels, K: k, ...part },
            bindings: [input(0), input(1), input(2), output(0)],
          })]),
      );
    },
  },
  cost: ({ inputs: [y, dout] }) => ({
    flops: 2 * sizeOf(y.shape),
    bytes: 4 * (sizeOf(y.shape) + sizeOf(dout.shape)),
  }),
  trials: [
    trial("one by one", [1, 1, 1]),
    trial("one choice, primes", [31, 1, 13]),
    trial("two choices, four runs and one", [65, 2, 129]),
    trial("three choices, one run", [19, 3, 32]),
  ],
};
