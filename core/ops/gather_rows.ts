/** Rows repeated and put in the order of their groups. */
import source from "../../shaders/gather_rows.wgsl" with { type: "text" };
import { type Attributes, input, type Op, output, stopped, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { gatherRowsVjp } from "./gather_rows_vjp.ts";
import { sortedGroups } from "./group_tokens.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { launchBySource } from "./source_parts.ts";

export interface GatherRowsAttributes extends Attributes {
  /** Copies of every row: copy n of row r is token r k + n. */
  readonly k: number;
}

/**
 * x (rows, channels) → (rows k, channels): slot s holds row floor(order[s] / k).
 * `order` and `rank`, (rows k) i32, come from `groupTokens`; `rank` serves the gradient.
 */
export function gatherRows(x: Tensor, options: {
  readonly order: Tensor;
  readonly rank: Tensor;
  readonly k: number;
}): Tensor {
  return apply(op, [x, options.order, options.rank], { k: options.k });
}

const trial = (
  name: string,
  [rows, channels, k]: readonly [number, number, number],
): Trial<GatherRowsAttributes> => {
  const ids = Array.from({ length: rows * k }, (_, token) => (5 * token) % 7);
  const { order, rank } = sortedGroups(ids, 7);
  return {
    name,
    inputs: [
      { type: f32(rows, channels), law: "awkward" },
      { type: i32(rows * k), law: order },
      { type: i32(rows * k), law: rank },
    ],
    attributes: { k },
    tolerance: 0, // copies
    gradientTolerance: 1e-6, // sums of at most three terms
  };
};

export const op: Op<GatherRowsAttributes> = {
  name: "gather_rows",
  signature: {
    doc: "Rows, each k times, in a given order",
    inputs: [
      { name: "x", doc: "(rows, channels)" },
      { name: "order", doc: "(rows k) i32, a permutation of the copies" },
      { name: "rank", doc: "(rows k) i32, its inverse" },
    ],
    outputs: [{ name: "y", doc: "(rows k, channels)" }],
    params: { k: { default: 1, doc: "copies of every row" } },
  },
  infer: ([x, order, rank], { k }) => {
    expectRank("x of gather_rows", x, { rank: 2 });
    const slots = x.shape[0] * k;
    expectShape("order of gather_rows", order, i32(slots));
    expectShape("rank of gather_rows", rank, i32(slots));
    return [f32(slots, x.shape[1])];
  },
  vjp: ({ inputs: [, , rank], cotangents: [dy], attributes: { k } }) =>
    dy ? [gatherRowsVjp(dy, rank, { k }), stopped, stopped] : [],
  reference: (
    { inputs: [{ shape: [, channels] }], attributes: { k } },
    { inputs: [x, order], outputs: [y] },
  ) => {
    order.forEach((token, slot) => {
      const row = Math.floor(token / k);
      y.set(x.subarray(row * channels, (row + 1) * channels), slot * channels);
    });
  },
  lower: {
    webgpu: ({ inputs: [x], outputs: [y], attributes: { k } }, _, limits) => {
      const [rows, channels] = y.shape;
      const bytesPerRow = 4 * channels;
      const from = { binding: input(0), rows: x.shape[0], bytesPerRow, ...limits };
      const step = channels % 4 === 0 ? 4 : 1;
      const tensors = [perRow(input(1), 4), perRow(output(0), bytesPerRow)];
      return launchByRows(
        { rows, perRow: tensors, ...limits },
        (range) =>
          launchBySource(from, (part) => [dispatchThreads({
            source,
            shader: "gather_rows",
            entryPoint: `forward_${step}`,
            threads: range.rows * channels / step,
            overrides: { WIDTH: channels / step, K: k, ...part },
            bindings: [input(0), input(1), output(0)],
          })]),
      );
    },
  },
  cost: ({ inputs: [x], outputs: [y] }) => ({
    flops: 0,
    bytes: 4 * (sizeOf(x.shape) + sizeOf(y.shape)),
  }),
  trials: [
    trial("one by one", [1, 1, 1]),
    trial("primes", [31, 13, 1]),
    trial("fours, two copies", [65, 12, 2]),
    trial("three copies", [19, 5, 3]),
  ],
};
