/** Rows of a table by token id. */
import source from "../../shaders/embedding.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { input, type Op, output, stopped, type Trial } from "../graph/op.ts";
import { expectRank, f32, formatShape, i32, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { embeddingVjp } from "./embedding_vjp.ts";
import { groupTokens } from "./group_tokens.ts";
import { reshape } from "./reshape.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { launchBySource } from "./source_parts.ts";

/**
 * table (vocabulary, channels), ids (…) i32 → (…, channels). An id outside [0, vocabulary) gives a row of
 * NaN, so that the check for non-finite values stops the run instead of training on another token's row.
 */
export function embedding(table: Tensor, ids: Tensor): Tensor {
  return apply(op, [table, ids], {});
}

const trial = (
  name: string,
  [vocabulary, channels]: readonly [number, number],
  ids: Shape,
): Trial => ({
  name,
  inputs: [
    { type: f32(vocabulary, channels), law: "awkward" },
    { type: i32(...ids), law: (_, u) => Math.floor(u * u * vocabulary) }, // small ids repeat
  ],
  attributes: {},
  tolerance: 0, // copies
  gradientTolerance: 1e-5, // sums over equal ids
});

export const op: Op = {
  name: "embedding",
  signature: {
    doc: "Rows of a table by token id",
    inputs: [
      { name: "table", doc: "(vocabulary, channels)" },
      { name: "ids", doc: "(…) i32, rows of the table" },
    ],
    outputs: [{ name: "y", doc: "(…, channels)" }],
    params: {},
  },
  infer: ([table, ids]) => {
    expectRank("table of embedding", table, { rank: 2 });
    if (ids.dtype !== "i32") {
      throw new ShapeError(
        `Cannot use ${formatShape(ids.shape)} ${ids.dtype} as ids of embedding: expected i32`,
      );
    }
    return [f32(...ids.shape, table.shape[1])];
  },
  vjp: ({ inputs: [table, ids], cotangents: [dy], needs: [isWanted] }) => {
    if (!dy || !isWanted) return [stopped, stopped];
    const [vocabulary, channels] = table.type.shape;
    const rows = sizeOf(ids.type.shape);
    const { start, order } = groupTokens(reshape(ids, [rows]), { groups: vocabulary });
    return [embeddingVjp(order, start, { dy: reshape(dy, [rows, channels]) }), stopped];
  },
  reference: (
    { inputs: [{ shape: [vocabulary, channels] }] },
    { inputs: [table, ids], outputs },
  ) => {
    ids.forEach((id, r) => {
      for (let c = 0; c < channels; c++) {
        outputs[0][r * channels + c] = id >= 0 && id < vocabulary ? table[id * channels + c] : NaN;
      }
    });
  },
  lower: {
    webgpu: ({ inputs: [{ shape: [vocabulary, channels] }, ids] }, _, limits) => {
      const step = channels % 4 === 0 ? 4 : 1;
      const rows = sizeOf(ids.shape);
      const tensors = [perRow(input(1), 4), perRow(output(0), 4 * channels)];
      const table = { binding: input(0), rows: vocabulary, bytesPerRow: 4 * channels, ...limits };
      return launchByRows(
        { rows, perRow: tensors, ...limits },
        (range) =>
          launchBySource(table, (part) => [dispatchThreads({
            source,
            shader: "embedding",
            entryPoint: `forward_${step}`,
            threads: range.rows * channels / step,
            overrides: { WIDTH: channels / step, VOCABULARY: vocabulary, ...part },
            bindings: [input(0), input(1), output(0)],
          })]),
      );
    },
  },
  cost: ({ inputs: [, ids], outputs: [y] }) => ({
    flops: 0,
    bytes: 4 * (sizeOf(ids.shape) + 2 * sizeOf(y.shape)),
  }),
  trials: [
    trial("one by one", [1, 1], [1]),
    trial("primes", [13, 7], [67]),
    trial("fours, two axes of ids", [31, 12], [5, 13]),
    trial("no axis of ids", [5, 4], []),
    trial("bytes", [256, 64], [2, 129]),
    trial("more ids than one pass sorts", [300, 3], [70]),
  ],
};
