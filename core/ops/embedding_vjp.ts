/** Backward pass of embedding: per id, the sum of the cotangents of its rows. */
import source from "../../shaders/embedding.wgsl" with { type: "text" };
import { input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, f32, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { sortedGroups } from "./group_tokens.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { launchBySource } from "./source_parts.ts";

/**
 * order (rows), start (vocabulary + 1) from `groupTokens`, dy (rows, channels) → (vocabulary, channels).
 * Rows of one id are added in order of position; ids that do not occur get zeros.
 */
export function embeddingVjp(
  order: Tensor,
  start: Tensor,
  options: { readonly dy: Tensor },
): Tensor {
  return apply(op, [order, start, options.dy], {});
}

const trial = (
  name: string,
  [vocabulary, channels, rows]: readonly [number, number, number],
): Trial => {
  // Every third id of the first half: most of the table is absent.
  const ids = Array.from({ length: rows }, (_, r) => 3 * ((7 * r) % Math.ceil(vocabulary / 6)));
  const { start, order } = sortedGroups(ids, vocabulary);
  return {
    name,
    inputs: [
      { type: i32(rows), law: order },
      { type: i32(vocabulary + 1), law: start },
      { type: f32(rows, channels), law: "awkward" },
    ],
    attributes: {},
    tolerance: 1e-5, // chains of up to 520 terms of both signs
    gradientTolerance: false,
  };
};

export const op: Op = {
  name: "embedding_vjp",
  signature: {
    doc: "Backward pass of embedding: per id, the sum of the cotangents of its rows",
    inputs: [
      { name: "order", doc: "(rows) i32, rows sorted by id" },
      { name: "start", doc: "(vocabulary + 1) i32, first slot of each id" },
      { name: "dy", doc: "(rows, channels)" },
    ],
    outputs: [{ name: "dtable", doc: "(vocabulary, channels)" }],
    params: {},
  },
  infer: ([order, start, dy]) => {
    expectRank("dy of embedding_vjp", dy, { rank: 2 });
    expectRank("start of embedding_vjp", start, { rank: 1, dtype: "i32" });
    expectRank("order of embedding_vjp", order, { rank: 1, dtype: "i32" });
    return [f32(start.shape[0] - 1, dy.shape[1])];
  },
  reference: (
    { outputs: [{ shape: [vocabulary, channels] }] },
    { inputs: [order, start, dy], outputs: [dtable] },
  ) => {
    dtable.fill(0);
    for (let id = 0; id < vocabulary; id++) {
      for (const row of order.subarray(start[id], start[id + 1])) {
        for (let c = 0; c < channels; c++) dtable[id * channels + c] += dy[row * channels + c];
      }
    }
  },
  lower: {
    webgpu: ({ inputs: [order], outputs: [{ shape: [ids, channels] }] }, _, limits) => {
      const step = channels % 4 === 0 ? 4 : 1;
      const bytesPerRow = 4 * channels;
      const table = { rows: ids, perRow: [perRow(output(0), bytesPerRow)], ...limits };
      const dy = { binding: input(2), rows: order.shape[0], bytesPerRow, ...limits };
      return launchByRows(table, (range) =>
        launchBySource(dy, (part) => [dispatchThreads({
          source,
          shader: "embedding",
          entryPoint: `backward_${step}`,
          threads: range.rows * channels / step,
          overrides: {
            WIDTH: channels / step,
            VOCABULARY: ids,
            FIRST_ID: range.first,
            CONTINUED: Number(part.FIRST > 0),
            ...part,
          },
          bindings: [input(0), input(1), input(2), output(0)],
        })]));
    },
  },
  rounds: ({ inputs: [order] }) => order.shape[0],
  cost: ({ inputs: [, , dy], outputs: [dtable] }) => ({
    flops: sizeOf(dy.shape),
    bytes: 4 * (sizeOf(dy.shape) + sizeOf(dtable.shape)),
  }),
  trials: [
    trial("one by one", [1, 1, 1]),
    trial("primes", [13, 7, 67]),
    trial("more ids than rows", [71, 7, 67]),
    trial("fours", [300, 16, 129]),
    trial("a frequent id", [2, 4, 520]),
  ],
};
