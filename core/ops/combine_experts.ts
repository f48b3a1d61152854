/** Weighted sum of the experts' outputs, gathered back into the order of the rows. */
import source from "../../shaders/combine_experts.wgsl" with { type: "text" };
import { input, type Op, output, stopped, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { combineExpertsVjpWeights } from "./combine_experts_vjp_weights.ts";
import { combineExpertsVjpY } from "./combine_experts_vjp_y.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { sortedGroups } from "./group_tokens.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { launchByTerms } from "./source_parts.ts";

/**
 * y (rows k, channels) sorted by expert, weights (rows, k) → (rows, channels): row r is the sum over n of
 * weights[r, n] y[rank[r k + n]], n ascending. `rank` and `order`, (rows k) i32, come from `groupTokens`;
 * `order` serves the gradient.
 */
export function combineExperts(y: Tensor, options: {
  readonly weights: Tensor;
  readonly rank: Tensor;
  readonly order: Tensor;
}): Tensor {
  return apply(op, [y, options.weights, options.rank, options.order], {});
}

const trial = (name: string, [rows, k, channels]: readonly [number, number, number]): Trial => {
  const ids = Array.from({ length: rows * k }, (_, token) => (5 * token) % 7);
  const { rank, order } = sortedGroups(ids, 7);
  return {
    name,
    inputs: [
      { type: f32(rows * k, channels), law: "awkward" },
      { type: f32(rows, k), law: "normal" },
      { type: i32(rows * k), law: rank },
      { type: i32(rows * k), law: order },
    ],
    attributes: {},
    tolerance: 1e-6, // at most three products
    gradientTolerance: 1e-5, // sums over channels
  };
};

export const op: Op = {
  name: "combine_experts",
  signature: {
    doc: "Weighted sum of the experts' outputs in the order of the rows",
    inputs: [
      { name: "y", doc: "(rows k, channels), sorted by expert" },
      { name: "weights", doc: "(rows, k)" },
      { name: "rank", doc: "(rows k) i32, slot of each (row, choice)" },
      { name: "order", doc: "(rows k) i32, its inverse" },
    ],
    outputs: [{ name: "out", doc: "(rows, channels)" }],
    params: {},
  },
  infer: ([y, weights, rank, order]) => {
    expectRank("weights of combine_experts", weights, { rank: 2 });
    expectRank("y of combine_experts", y, { rank: 2 });
    const slots = sizeOf(weights.shape);
    expectShape("y of combine_experts", y, f32(slots, y.shape[1]));
    expectShape("rank of combine_experts", rank, i32(slots));
    expectShape("order of combine_experts", order, i32(slots));
    return [f32(weights.shape[0], y.shape[1])];
  },
  vjp: ({ inputs: [y, weights, rank, order], cotangents: [dout], needs }) => {
    if (!dout) return [];
    return [
      needs[0] ? combineExpertsVjpY(dout, { weights, order }) : stopped,
      needs[1] ? combineExpertsVjpWeights(y, { dout, rank, k: weights.type.shape[1] }) : stopped,
      stopped,
      stopped,
    ];
  },
  reference: (
    { inputs: [, { shape: [rows, k] }], outputs: [{ shape: [, channels] }] },
    { inputs: [y, weights, rank], outputs: [out] },
  ) => {
    out.fill(0);
    for (let r = 0; r < rows; r++) {
      for (let n = 0; n < k; n++) {
        const slot = rank[r * k + n];
        for (let m = 0; m < channels; m++) {
          out[r * channels + m] += weights[r * k + n] * y[slot * channels + m];
        }
      }
    }
  },
  lower: {
    webgpu: ({ inputs: [, { shape: [rows, k] }], outputs: [out] }, _, limits) => {
      const channels = out.shape[1];
      const bytesPerRow = 4 * channels;
      const tensors = [
        perRow(input(1), 4 * k),
        perRow(input(2), 4 * k),
        perRow(output(0), bytesPerRow),
      ];
      const experts = { binding: input(0), rows: rows * k, bytesPerRow, terms: k, ...limits };
      return launchByRows(
        { rows, perRow: tensors, ...limits },
        (range) =>
          launchByTerms(experts, (part) => [dispatchThreads({
            source,
            shader: "combine_experts",
            threads: range.rows * channels,
            overrides: { WIDTH: channels, K: k, ...part },
            bindings: [input(0), input(1), input(2), output(0)],
          })]),
      );
    },
  },
  cost: ({ inputs: [y], outputs: [out] }) => ({
    flops: 2 * sizeOf(y.shape),
    bytes: 4 * (sizeOf(y.shape) + sizeOf(out.shape)),
  }),
  trials: [
    trial("one by one", [1, 1, 1]),
    trial("one choice, primes", [31, 1, 13]),
    trial("two choices", [65, 2, 12]),
    trial("three choices, beyond a run", [19, 3, 67]),
  ],
};
