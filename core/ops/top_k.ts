/** The k largest values of each row. */
import source from "../../shaders/top_k.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, f32, formatShape, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { topKVjp } from "./top_k_vjp.ts";

export interface TopKAttributes extends Attributes {
  /** How many values of each row are kept, 1 … 8. */
  readonly k: number;
}

export interface TopK {
  /** (rows, k) i32, columns of the values. */
  readonly indices: Tensor;
  /** (rows, k) f32, largest first. */
  readonly values: Tensor;
}

/** More would want another algorithm than k searches for a maximum. */
const LARGEST_K = 8;

/**
 * The k largest of each row, largest first; of equal values the one with the smaller column comes first.
 * x: (rows, columns) → indices (rows, k), values (rows, k). A row with NaN gives NaN values and the columns
 * 0, 1, …, so that indices are always valid.
 *
 * @throws {ShapeError} Unless 1 <= k <= min(8, columns)
 */
export function topK(x: Tensor, k: number): TopK {
  const [indices, values] = applyAll(op, [x], { k });
  return { indices, values };
}

/** Distinct within 101 neighbours and at least 0.09 apart, so that differences never swap two values. */
const apart = (index: number, u: number): number => ((index * 37) % 101) / 10 + 0.01 * u;

const trial = (
  name: string,
  [rows, columns, k]: readonly [number, number, number],
  law: Trial["inputs"][0]["law"] = apart,
): Trial<TopKAttributes> => ({
  name,
  inputs: [{ type: f32(rows, columns), law }],
  attributes: { k },
  tolerance: 0, // copies
  gradientTolerance: law === apart ? 1e-6 : false, // ties are kinks
});

export const op: Op<TopKAttributes> = {
  name: "top_k",
  signature: {
    doc: "The k largest values of each row, largest first, ties by the smaller column",
    inputs: [{ name: "x", doc: "(rows, columns)" }],
    outputs: [
      { name: "indices", doc: "(rows, k) i32" },
      { name: "values", doc: "(rows, k)" },
    ],
    params: { k: { default: 1, doc: "values kept per row, 1 to 8" } },
  },
  infer: ([x], { k }) => {
    expectRank("x of top_k", x, { rank: 2 });
    const [rows, columns] = x.shape;
    if (!Number.isInteger(k) || k < 1 || k > Math.min(LARGEST_K, columns)) {
      throw new ShapeError(
        `Cannot take the top ${k} of the rows of ${formatShape(x.shape)}: ` +
          `expected an integer from 1 to ${Math.min(LARGEST_K, columns)}`,
      );
    }
    return [i32(rows, k), f32(rows, k)];
  },
  vjp: ({ inputs: [x], outputs: [indices], cotangents: [, dvalues] }) =>
    dvalues ? [topKVjp(indices, dvalues, { columns: x.type.shape[1] })] : [],
  reference: (
    { inputs: [type], attributes: { k } },
    { inputs: [x], outputs: [indices, values] },
  ) => {
    const [rows, columns] = type.shape;
    for (let r = 0; r < rows; r++) {
      const row = Array.from(x.subarray(r * columns, (r + 1) * columns));
      const isBad = row.some(Number.isNaN);
      const order = row.map((_, c) => c).sort((a, b) => isBad ? a - b : row[b] - row[a] || a - b);
      for (let n = 0; n < k; n++) {
        indices[r * k + n] = order[n];
        values[r * k + n] = isBad ? NaN : row[order[n]];
      }
    }
  },
  lower: {
    webgpu: ({ inputs: [x], attributes: { k } }) => [dispatchThreads({
      source,
      shader: "top_k",
      threads: x.shape[0],
      overrides: { COLUMNS: x.shape[1], K: k },
      bindings: [input(0), output(0), output(1)],
    })],
  },
  cost: ({ inputs: [x], attributes: { k } }) => ({
    flops: 0,
    bytes: 4 * sizeOf(x.shape) + 8 * x.shape[0] * k,
  }),
  trials: [
    trial("one of one", [1, 1, 1]),
    trial("one of four", [131, 4, 1]),
    trial("two of eight", [64, 8, 2]),
    trial("all of a row", [65, 7, 7]),
    trial("eight of a prime", [5, 67, 8]),
    trial("ties everywhere", [37, 8, 3], (_, u) => Math.floor(3 * u)),
    trial("a constant row", [3, 5, 5], () => -1),
    trial("negative zeros and large values", [19, 13, 4], "awkward"),
  ],
};
