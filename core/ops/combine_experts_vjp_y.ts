/** Gradient of combine_experts with respect to the experts' outputs. */
import source from "../../shaders/combine_experts.wgsl" with { type: "text" };
import { input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { sortedGroups } from "./group_tokens.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { launchBySource } from "./source_parts.ts";

/**
 * dout (rows, channels), weights (rows, k), order (rows k) i32 → (rows k, channels): slot s holds
 * weights[order[s]] dout[floor(order[s] / k)], weights taken as a flat list.
 */
export function combineExpertsVjpY(
  dout: Tensor,
  options: { readonly weights: Tensor; readonly order: Tensor },
): Tensor {
  return apply(op, [dout, options.weights, options.order], {});
}

const trial = (name: string, [rows, k, channels]: readonly [number, number, number]): Trial => ({
  name,
  inputs: [
    { type: f32(rows, channels), law: "awkward" },
    { type: f32(rows, k), law: "normal" },
    {
      type: i32(rows * k),
      law: sortedGroups(Array.from({ length: rows * k }, (_, token) => (3 * token) % 5), 5).order,
    },
  ],
  attributes: {},
  tolerance: 1e-6, // one product
  gradientTolerance: false,
});

export const op: Op = {
  name: "combine_experts_vjp_y",
  signature: {
    doc: "Gradient of combine_experts with respect to the experts' outputs",
    inputs: [
      { name: "dout", doc: "(rows, channels)" },
      { name: "weights", doc: "(rows, k)" },
      { name: "order", doc: "(rows k) i32, the (row, choice) in each slot" },
    ],
    outputs: [{ name: "dy", doc: "(rows k, channels)" }],
    params: {},
  },
  infer: ([dout, weights, order]) => {
    expectRank("dout of combine_experts_vjp_y", dout, { rank: 2 });
    expectRank("weights of combine_experts_vjp_y", weights, { rank: 2 });
    const slots = sizeOf(weights.shape);
    expectShape("dout of combine_experts_vjp_y", dout, f32(weights.shape[0], dout.shape[1]));
    expectShape("order of combine_experts_vjp_y", order, i32(slots));
    return [f32(slots, dout.shape[1])];
  },
  reference: (
    { inputs: [{ shape: [, channels] }, { shape: [, k] }] },
    { inputs: [dout, weights, order], outputs: [dy] },
  ) => {
    order.forEach((token, slot) => {
      const row = Math.floor(token / k);
      for (let m = 0; m < channels; m++) {
        dy[slot * channels + m] = weights[token] * dout[row * channels + m];
      }
    });
  },
  lower: {
    webgpu: ({ inputs: [dout, weights], outputs: [{ shape: [slots, channels] }] }, _, limits) => {
      const bytesPerRow = 4 * channels;
      const tensors = [perRow(input(2), 4), perRow(output(0), bytesPerRow)];
      const from = { binding: input(0), rows: dout.shape[0], bytesPerRow, ...limits };
      return launchByRows(
        { rows: slots, perRow: tensors, ...limits },
        (range) =>
          launchBySource(from, (part) => [dispatchThreads({
            source,
            shader: "combine_experts",
            entryPoint: "backward_y",
            threads: range.rows * channels,
            overrides: { WIDTH: channels, K: weights.shape[1], ...part },
            bindings: [input(0), input(1), input(2), output(0)],
          })]),
      );
    },
  },
  cost: ({ inputs: [dout], outputs: [dy] }) => ({
    flops: sizeOf(dy.shape),
    bytes: 4 * (sizeOf(dout.shape) + sizeOf(dy.shape)),
  }),
  trials: [
    trial("one by one", [1, 1, 1]),
    trial("one choice, primes", [31, 1, 13]),
    trial("two choices", [65, 2, 12]),
    trial("three choices", [19, 3, 67]),
  ],
};
