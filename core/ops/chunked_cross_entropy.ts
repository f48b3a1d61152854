/**
 * Cross-entropy of a classifier head, with the logits of a few rows in memory at a time.
 *
 * Symbols: x = rows; head = one row per class; z = x headᵀ, the logits; loss_i = log Σ_c exp(z_ic) - z_i,target.
 * Departures: the gradient is an op of its own that computes each chunk's logits again, where others store
 * gradients during the forward pass. That costs one more product of x and head in training, and buys: no
 * gradient-sized tensor lives from the forward to the backward pass, evaluation computes no gradients, and any
 * cotangent of the row losses is right, not only that of their mean. What is not computed again is the
 * softmax's normaliser: the log-sum-exp of each row is an output.
 */
import source from "../../shaders/chunked_cross_entropy.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { argument, constant, max } from "../graph/expression.ts";
import {
  type Attributes,
  type Binding,
  type Dispatch,
  input,
  type Op,
  output,
  scratch,
  stopped,
  type Trial,
} from "../graph/op.ts";
import { expectRank, expectShape, f32, formatShape, i32, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { chunkedCrossEntropyVjp } from "./chunked_cross_entropy_vjp.ts";
import { divide } from "./divide.ts";
import { applyExpression } from "./elementwise.ts";
import { fill } from "./fill.ts";
import { dispatchMatmul } from "./matmul.ts";
import { sum } from "./sum.ts";
import { IGNORED_TARGET, targetMask } from "./target_mask.ts";

export interface ChunkedCrossEntropyAttributes extends Attributes {
  /** Rows whose logits exist at a time, a multiple of 64. */
  readonly chunk_rows: number;
}

/** Mean loss and loss of each row, in nats. */
export interface CrossEntropy {
  /** (1): mean over the rows that have a target; 0 if there is none. */
  readonly loss: Tensor;
  /** (rows): 0 where the target is `IGNORED_TARGET`. */
  readonly rowLosses: Tensor;
}

/**
 * -log softmax(x headᵀ)[target] of each row and their mean over rows with a target. x (rows, width),
 * head (classes, width), targets (rows) i32. A target of `IGNORED_TARGET` (-100) means "none": the row adds nothing
 * to the loss, its count or the gradients. If every row is ignored, loss and gradients are 0. Any other target
 * outside [0, classes) gives NaN for its row, the mean and the gradients.
 *
 * @throws {ShapeError} If the shapes disagree
 */
export function chunkedCrossEntropy(
  x: Tensor,
  options: { readonly head: Tensor; readonly targets: Tensor; readonly chunkRows?: number },
): CrossEntropy {
  const { head, targets } = options;
  const chunk_rows = options.chunkRows ?? chunkRows(x.type.shape[0], head.type.shape[0]);
  const [rowLosses] = applyAll(op, [x, head, targets], { chunk_rows });
  const count = sum(targetMask(targets), { axis: 0 });
  const atLeastOne = applyExpression("at_least_one", max(argument(0), constant(1)), [count]);
  return { loss: divide(sum(rowLosses, { axis: 0 }), atLeastOne), rowLosses };
}

/** Bindings at a chunk's start must lie at multiples of 256 bytes; 64 numbers are 256 bytes. */
const CHUNK_UNIT = 64;
const CHUNK_BYTES = 16 * 2 ** 20;

/** Rows per chunk: as many as keep the logits within 16 MiB, in multiples of 64, at least 64. */
export function chunkRows(rows: number, classes: number): number {
  const units = Math.floor(CHUNK_BYTES / (4 * classes * CHUNK_UNIT));
  return CHUNK_UNIT * Math.max(1, Math.min(units, Math.ceil(rows / CHUNK_UNIT)));
}

/** One chunk of rows. */
export interface Chunk {
  readonly index: number;
  readonly rows: number;
  /** The chunk's part of a tensor that has `columns` values a row. */
  part(whole: Binding, columns: number): Binding;
}

export function chunksOf(rows: number, chunk: number): readonly Chunk[] {
  return Array.from({ length: Math.ceil(rows / chunk) }, (_, index) => {
    const here = Math.min(chunk, rows - index * chunk);
    return {
      index,
      rows: here,
      part: (whole, columns) => ({
        ...whole,
        byteOffset: 4 * index * chunk * columns,
        byteLength: 4 * here * columns,
      }),
    };
  });
}

/** @throws {ShapeError} Unless x, head and targets belong together and chunks can be bound */
export function expectClassifier(types: readonly TensorType[], chunk: number): void {
  const [x, head, targets] = types;
  expectRank("the rows of a classifier", x, { rank: 2 });
  expectRank("a classifier's head", head, { rank: 2 });
  expectShape("a classifier's targets", targets, i32(x.shape[0]));
  if (head.shape[1] !== x.shape[1]) {
    throw new ShapeError(
      `Cannot classify ${formatShape(x.shape)} with a head ${formatShape(head.shape)}: ` +
        `widths must agree, got ${x.shape[1]} and ${head.shape[1]}`,
    );
  }
  if (!Number.isInteger(chunk) || chunk < CHUNK_UNIT || chunk % CHUNK_UNIT !== 0) {
    throw new ShapeError(
      `Cannot classify in chunks of ${chunk} rows: expected a multiple of ${CHUNK_UNIT}`,
    );
  }
}

const WORKGROUP = 64;
/** Columns reduced by one invocation, as in the shader. */
const PIECE = 256;

/** One launch of an entry point of the loss shader over a chunk's logits. */
export function dispatchRows(
  entryPoint: "reduce" | "combine" | "backward",
  options: {
    readonly rows: number;
    readonly columns: number;
    readonly threads: number;
    readonly bindings: readonly Binding[];
  },
): Dispatch {
  const { rows, columns, threads, bindings } = options;
  return {
    source,
    shader: "chunked_cross_entropy",
    entryPoint,
    overrides: { ROWS: rows, COLUMNS: columns, IGNORED: IGNORED_TARGET, WORKGROUP },
    bindings,
    workgroups: Math.ceil(threads / WORKGROUP),
  };
}

const trial = (
  name: string,
  [rows, width, classes]: readonly [number, number, number],
  chunk_rows = 64,
): Trial<ChunkedCrossEntropyAttributes> => ({
  name,
  inputs: [
    { type: f32(rows, width), law: "normal" },
    { type: f32(classes, width), law: "awkward" },
    {
      type: i32(rows),
      law: (_, draw) => draw < 0.2 ? IGNORED_TARGET : Math.floor((draw - 0.2) / 0.8 * classes),
    },
  ],
  attributes: { chunk_rows },
  tolerance: 1e-5, // a product of `width` terms whose error the difference to the target's logit keeps
  gradientTolerance: 2e-5,
});

export const op: Op<ChunkedCrossEntropyAttributes> = {
  name: "chunked_cross_entropy",
  signature: {
    doc: "Cross-entropy of a classifier head per row, in nats",
    inputs: [
      { name: "x", doc: "(rows, width)" },
      { name: "head", doc: "(classes, width)" },
      { name: "targets", doc: "(rows), i32: a class, or -100 for none" },
    ],
    outputs: [
      { name: "losses", doc: "(rows), 0 where there is no target" },
      { name: "logsumexp", doc: "(rows), of the logits" },
    ],
    params: { chunk_rows: { default: 64, doc: "rows whose logits exist at a time, 64 n" } },
  },
  infer: (types, { chunk_rows }) => {
    expectClassifier(types, chunk_rows);
    return [f32(types[0].shape[0]), f32(types[0].shape[0])];
  },
  vjp: ({ inputs: [x, head, targets], outputs: [, logsumexp], cotangents, needs, attributes }) => {
    const zeros = (): Tensor => fill(x.graph, { shape: [x.type.shape[0]], value: 0 });
    const dlosses = cotangents[0] ?? zeros();
    const dlogsumexp = cotangents[1] ?? zeros();
    const [dx, dhead] = chunkedCrossEntropyVjp(
      { x, head, targets, logsumexp, dlosses, dlogsumexp },
      { chunkRows: attributes.chunk_rows },
    );
    return [needs[0] ? dx : stopped, needs[1] ? dhead : stopped, stopped];
  },
  reference: ({ inputs: types }, { inputs: [x, head, targets], outputs: [losses, logsumexp] }) => {
    const [rows, width] = types[0].shape;
    const classes = types[1].shape[0];
    for (let i = 0; i < rows; i++) {
      const logits = Array.from({ length: classes }, (_, c) => {
        let total = 0;
        for (let j = 0; j < width; j++) total += x[i * width + j] * head[c * width + j];
        return total;
      });
      const top = logits.reduce((a, z) => Math.max(a, z), -Infinity);
      const normaliser = top + Math.log(logits.reduce((a, z) => a + Math.exp(z - top), 0));
      const known = targets[i] === IGNORED_TARGET || logits[targets[i]] !== undefined;
      logsumexp[i] = known ? normaliser : NaN;
      losses[i] = targets[i] === IGNORED_TARGET ? 0 : logsumexp[i] - logits[targets[i]];
    }
  },
  scratch: ({ inputs: [x, head], attributes: { chunk_rows } }) => {
    const rows = Math.min(chunk_rows, x.shape[0]);
    const classes = head.shape[0];
    return [f32(rows, classes), f32(rows, Math.ceil(classes / PIECE), 2)];
  },
  lower: {
    webgpu: ({ inputs: [x, head], attributes: { chunk_rows } }, preset) => {
      const [rows, width] = x.shape;
      const columns = head.shape[0];
      return chunksOf(rows, chunk_rows).flatMap((chunk) => {
        const sizes = { rows: chunk.rows, inner: width, columns };
        const pieces = chunk.rows * Math.ceil(columns / PIECE);
        return [
          dispatchMatmul({ ...sizes, transposeA: false, transposeB: true }, {
            preset,
            bindings: [chunk.part(input(0), width), input(1), scratch(0)],
          }),
          dispatchRows("reduce", {
            rows: chunk.rows,
            columns,
            threads: pieces,
            bindings: [scratch(0), scratch(1)],
          }),
          dispatchRows("combine", {
            rows: chunk.rows,
            columns,
            threads: chunk.rows,
            bindings: [
              scratch(0),
              scratch(1),
              chunk.part(input(2), 1),
              chunk.part(output(0), 1),
              chunk.part(output(1), 1),
            ],
          }),
        ];
      });
    },
  },
  cost: ({ inputs: [x, head] }) => {
    const [rows, width] = x.shape;
    const classes = head.shape[0];
    return {
      flops: rows * classes * (2 * width + 4),
      bytes: 4 * (rows * width + classes * width + 3 * rows),
    };
  },
  trials: [
    trial("one row, one class", [1, 1, 1]),
    trial("primes", [13, 5, 67]),
    trial("a chunk and one row", [65, 8, 64]),
    trial("three chunks, the last not whole", [151, 12, 20]),
    trial("a chunk of 128 rows", [200, 4, 28], 128),
    trial("more classes than two pieces", [9, 4, 515]),
  ],
};
