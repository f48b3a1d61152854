/** Backward pass of gather_rows: the sum of every row's copies. */
import source from "../../shaders/gather_rows.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, expectShape, f32, formatShape, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { sortedGroups } from "./group_tokens.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { launchByTerms } from "./source_parts.ts";

export interface GatherRowsVjpAttributes extends Attributes {
  readonly k: number;
}

/** dy (rows k, channels), rank (rows k) i32 → (rows, channels): row r sums dy[rank[r k + n]], n ascending. */
export function gatherRowsVjp(
  dy: Tensor,
  rank: Tensor,
  options: GatherRowsVjpAttributes,
): Tensor {
  return apply(op, [dy, rank], { k: options.k });
}

const trial = (
  name: string,
  [rows, channels, k]: readonly [number, number, number],
): Trial<GatherRowsVjpAttributes> => {
  const ids = Array.from({ length: rows * k }, (_, token) => (3 * token) % 5);
  return {
    name,
    inputs: [
      { type: f32(rows * k, channels), law: "awkward" },
      { type: i32(rows * k), law: sortedGroups(ids, 5).rank },
    ],
    attributes: { k },
    tolerance: 1e-6, // sums of at most three terms
    gradientTolerance: false,
  };
};

export const op: Op<GatherRowsVjpAttributes> = {
  name: "gather_rows_vjp",
  signature: {
    doc: "Backward pass of gather_rows: the sum of every row's copies",
    inputs: [
      { name: "dy", doc: "(rows k, channels)" },
      { name: "rank", doc: "(rows k) i32, the slot of each copy" },
    ],
    outputs: [{ name: "dx", doc: "(rows, channels)" }],
    params: { k: { default: 1, doc: "copies of every row" } },
  },
  infer: ([dy, rank], { k }) => {
    expectRank("dy of gather_rows_vjp", dy, { rank: 2 });
    expectShape("rank of gather_rows_vjp", rank, i32(dy.shape[0]));
    if (dy.shape[0] % k !== 0) {
      throw new ShapeError(
        `Cannot sum ${k} copies in ${formatShape(dy.shape)}: the rows must be a multiple of ${k}`,
      );
    }
    return [f32(dy.shape[0] / k, dy.shape[1])];
  },
  reference: (
    { outputs: [{ shape: [, channels] }], attributes: { k } },
    { inputs: [dy, rank], outputs: [dx] },
  ) => {
    dx.fill(0);
    rank.forEach((slot, token) => {
      for (let c = 0; c < channels; c++) {
        dx[Math.floor(token / k) * channels + c] += dy[slot * channels + c];
      }
    });
  },
  lower: {
    webgpu: ({ outputs: [{ shape: [rows, channels] }], attributes: { k } }, _, limits) => {
      const step = channels % 4 === 0 ? 4 : 1;
      const bytesPerRow = 4 * channels;
      const tensors = [perRow(input(1), 4 * k), perRow(output(0), bytesPerRow)];
      const dy = { binding: input(0), rows: rows * k, bytesPerRow, terms: k, ...limits };
      return launchByRows(
        { rows, perRow: tensors, ...limits },
        (range) =>
          launchByTerms(dy, (part) => [dispatchThreads({
            source,
            shader: "gather_rows",
            entryPoint: `backward_${step}`,
            threads: range.rows * channels / step,
            overrides: { WIDTH: channels / step, K: k, ...part },
            bindings: [input(0), input(1), output(0)],
          })]),
      );
    },
  },
  cost: ({ inputs: [dy], outputs: [dx] }) => ({
    flops: sizeOf(dy.shape),
    bytes: 4 * (sizeOf(dy.shape) + sizeOf(dx.shape)),
  }),
  trials: [
    trial("one by one", [1, 1, 1]),
    trial("primes", [31, 13, 1]),
    trial("fours, two copies", [65, 12, 2]),
    trial("three copies", [19, 5, 3]),
  ],
};
