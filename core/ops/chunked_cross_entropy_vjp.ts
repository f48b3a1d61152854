/**
 * Cotangents of rows and head of `chunked_cross_entropy`, with the logits of a few rows in memory at a time.
 *
 * Formula: with p = softmax(x headᵀ), dz_ic = (dloss_i + dlogsumexp_i) p_ic - dloss_i [c = target_i],
 * dx = dz head, dhead = dzᵀ x; dloss_i counts as 0 where the row has no target.
 */
import { type Attributes, input, type Op, output, scratch, type Trial } from "../graph/op.ts";
import { expectShape, f32, i32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { chunksOf, dispatchRows, expectClassifier } from "./chunked_cross_entropy.ts";
import { dispatchMatmul } from "./matmul.ts";
import { IGNORED_TARGET } from "./target_mask.ts";

export interface ChunkedCrossEntropyVjpAttributes extends Attributes {
  /** Rows whose logits exist at a time, a multiple of 64. */
  readonly chunk_rows: number;
}

/** x (rows, width), head (classes, width), the others (rows) → dx (rows, width), dhead (classes, width). */
export function chunkedCrossEntropyVjp(
  site: {
    readonly x: Tensor;
    readonly head: Tensor;
    readonly targets: Tensor;
    readonly logsumexp: Tensor;
    readonly dlosses: Tensor;
    readonly dlogsumexp: Tensor;
  },
  options: { readonly chunkRows: number },
): readonly Tensor[] {
  const { x, head, targets, logsumexp, dlosses, dlogsumexp } = site;
  const inputs = [x, head, targets, logsumexp, dlosses, dlogsumexp];
  return applyAll(op, inputs, { chunk_rows: options.chunkRows });
}

const trial = (
  name: string,
  [rows, width, classes]: readonly [number, number, number],
  chunk_rows = 64,
): Trial<ChunkedCrossEntropyVjpAttributes> => ({
  name,
  inputs: [
    { type: f32(rows, width), law: "normal" },
    { type: f32(classes, width), law: "normal" },
    {
      type: i32(rows),
      law: (_, draw) => draw < 0.2 ? IGNORED_TARGET : Math.floor((draw - 0.2) / 0.8 * classes),
    },
    // Near the log-sum-exp of such logits, so that the probabilities are of ordinary size.
    { type: f32(rows), law: (_, draw) => width / 2 + Math.log(classes) + draw },
    { type: f32(rows), law: "normal" },
    { type: f32(rows), law: "normal" },
  ],
  attributes: { chunk_rows },
  tolerance: 2e-5, // the exponential of a product of `width` terms, then sums over classes or rows
  gradientTolerance: false,
});

export const op: Op<ChunkedCrossEntropyVjpAttributes> = {
  name: "chunked_cross_entropy_vjp",
  signature: {
    doc: "Cotangents of rows and head of chunked_cross_entropy",
    inputs: [
      { name: "x", doc: "(rows, width)" },
      { name: "head", doc: "(classes, width)" },
      { name: "targets", doc: "(rows), i32: a class, or -100 for none" },
      { name: "logsumexp", doc: "(rows), of the logits" },
      { name: "dlosses", doc: "(rows), cotangent of the row losses" },
      { name: "dlogsumexp", doc: "(rows), cotangent of logsumexp" },
    ],
    outputs: [
      { name: "dx", doc: "(rows, width)" },
      { name: "dhead", doc: "(classes, width)" },
    ],
    params: { chunk_rows: { default: 64, doc: "rows whose logits exist at a time, 64 n" } },
  },
  infer: (types, { chunk_rows }) => {
    const [x, head, , ...perRow] = types;
    expectClassifier(types, chunk_rows);
    perRow.forEach((type) => expectShape("a value per row", type, f32(x.shape[0])));
    return [f32(...x.shape), f32(...head.shape)];
  },
  reference: ({ inputs: types }, { inputs, outputs: [dx, dhead] }) => {
    const [x, head, targets, logsumexp, dlosses, dlogsumexp] = inputs;
    const [rows, width] = types[0].shape;
    const classes = types[1].shape[0];
    for (let i = 0; i < rows; i++) {
      const own = targets[i] === IGNORED_TARGET ? 0 : dlosses[i];
      for (let c = 0; c < classes; c++) {
        let logit = 0;
        for (let j = 0; j < width; j++) logit += x[i * width + j] * head[c * width + j];
        const dlogit = (own + dlogsumexp[i]) * Math.exp(logit - logsumexp[i]) -
          (c === targets[i] ? own : 0);
        for (let j = 0; j < width; j++) {
          dx[i * width + j] += dlogit * head[c * width + j];
          dhead[c * width + j] += dlogit * x[i * width + j];
        }
      }
    }
  },
  scratch: ({ inputs: [x, head], attributes: { chunk_rows } }) => [
    f32(Math.min(chunk_rows, x.shape[0]), head.shape[0]),
  ],
  lower: {
    webgpu: ({ inputs: [x, head], attributes: { chunk_rows } }, preset) => {
      const [rows, width] = x.shape;
      const columns = head.shape[0];
      return chunksOf(rows, chunk_rows).flatMap((chunk) => {
        const here = chunk.part(input(0), width);
        return [
          dispatchMatmul(
            { rows: chunk.rows, inner: width, columns, transposeA: false, transposeB: true },
            { preset, bindings: [here, input(1), scratch(0)] },
          ),
          dispatchRows("backward", {
            rows: chunk.rows,
            columns,
            threads: chunk.rows * columns,
            bindings: [
              scratch(0),
              ...[2, 3, 4, 5].map((index) => chunk.part(input(index), 1)),
            ],
          }),
          dispatchMatmul(
            {
              rows: chunk.rows,
              inner: columns,
              columns: width,
              transposeA: false,
              transposeB: false,
            },
            { preset, bindings: [scratch(0), input(1), chunk.part(output(0), width)] },
          ),
          // Chunks add to the head's gradient in order; the sum over rows stays one chain.
          dispatchMatmul(
            {
              rows: columns,
              inner: chunk.rows,
              columns: width,
              transposeA: true,
              transposeB: false,
              accumulate: chunk.index > 0,
            },
            { preset, bindings: [scratch(0), here, output(1)] },
          ),
        ];
      });
    },
  },
  cost: ({ inputs: [x, head] }) => {
    const [rows, width] = x.shape;
    const classes = head.shape[0];
    return {
      flops: rows * classes * (6 * width + 5),
      bytes: 8 * (rows * width + classes * width) + 16 * rows,
    };
  },
  trials: [
    trial("one row, one class", [1, 1, 1]),
    trial("primes", [13, 5, 67]),
    trial("a chunk and one row", [65, 8, 64]),
    trial("three chunks, the last not whole", [151, 12, 20]),
    trial("a chunk of 128 rows", [200, 4, 28], 128),
  ],
};
