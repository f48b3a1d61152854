/** Sum over one axis. */
import source from "../../shaders/sum.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Attributes,
  type Binding,
  type Dispatch,
  input,
  type LaunchLimits,
  type Op,
  output,
  scratch,
  type Site,
  type Trial,
} from "../graph/op.ts";
import { f32, formatShape, type Shape, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { opWithTail } from "./op_with_tail.ts";
import { repeat } from "./repeat.ts";
import { alignedRows, launchByRows, perRow } from "./row_shards.ts";

/** Settings of the sum. */
export interface SumAttributes extends Attributes {
  /** Axis summed over; its size becomes 1. */
  readonly axis: number;
}

/** x: (…, n, …) → (…, 1, …), summed over `axis` in fixed chunks, so the bits depend on the shape alone. */
export function sum(x: Tensor, options: SumAttributes): Tensor {
  return apply(op, [x], { axis: options.axis });
}

/** Terms per partial sum. Longer axes are summed in two stages, partial sums in order of their index. */
const CHUNK = 512;

interface Extent {
  readonly outer: number;
  readonly terms: number;
  readonly inner: number;
}

function extentOf(shape: Shape, axis: number): Extent {
  return {
    outer: sizeOf(shape.slice(0, axis)),
    terms: shape[axis],
    inner: sizeOf(shape.slice(axis + 1)),
  };
}

function partials(site: Site<SumAttributes>): TensorType | undefined {
  const { outer, terms, inner } = extentOf(site.inputs[0].shape, site.attributes.axis);
  return terms > CHUNK ? f32(outer, Math.ceil(terms / CHUNK), inner) : undefined;
}

/** The sums of every `chunk` terms. */
function stage(extent: Extent, at: {
  readonly chunk: number;
  readonly bindings: readonly [Binding, Binding];
}): Dispatch {
  const { outer, terms, inner } = extent;
  const chunks = Math.max(1, Math.ceil(terms / at.chunk)); // a sum of no terms is stored, too
  return dispatchThreads({
    source,
    shader: "sum",
    threads: outer * chunks * inner,
    overrides: { TERMS: terms, INNER: inner, CHUNKS: chunks, CHUNK: at.chunk },
    bindings: at.bindings,
  });
}

/** Cut before the axis; where nothing is before it, partial sums are cut along it. */
function launches(extent: Extent, limits: LaunchLimits = {}): readonly Dispatch[] {
  const { outer, terms, inner } = extent;
  const chunks = Math.ceil(terms / CHUNK);
  const whole = (of: Extent, from: Binding): Dispatch =>
    stage(of, { chunk: Math.max(1, of.terms), bindings: [from, output(0)] });
  const last = (rows: number) => whole({ outer: rows, terms: chunks, inner }, scratch(0));
  if (terms > CHUNK && outer === 1) return [...partialSums(extent, limits), last(1)];
  const tensors = [
    perRow(input(0), 4 * terms * inner),
    perRow(output(0), 4 * inner),
    ...(terms > CHUNK ? [perRow(scratch(0), 4 * chunks * inner)] : []),
  ];
  return launchByRows({ rows: outer, perRow: tensors, ...limits }, ({ rows }) => {
    const part = { outer: rows, terms, inner };
    if (terms <= CHUNK) return [whole(part, input(0))];
    return [stage(part, { chunk: CHUNK, bindings: [input(0), scratch(0)] }), last(rows)];
  });
}

/** The partial sums of one long axis. */
function partialSums({ terms, inner }: Extent, limits: LaunchLimits): readonly Dispatch[] {
  return launchByRows({
    rows: terms,
    perRow: [perRow(input(0), 4 * inner)],
    multipleOf: CHUNK * alignedRows(4 * inner),
    ...limits,
  }, ({ first, rows }) => {
    const to = rows === terms ? scratch(0) : {
      ...scratch(0),
      byteOffset: first / CHUNK * 4 * inner,
      byteLength: Math.ceil(rows / CHUNK) * 4 * inner,
    };
    return [stage({ outer: 1, terms: rows, inner }, { chunk: CHUNK, bindings: [input(0), to] })];
  });
}

const trial = (name: string, shape: Shape, axis: number): Trial<SumAttributes> => ({
  name,
  inputs: [{ type: f32(...shape), law: "normal" }],
  attributes: { axis },
  tolerance: 1e-5, // 1e-6 log2 M for M terms, on sums that nearly cancel
  gradientTolerance: 1e-6,
});

export const op: Op<SumAttributes> = {
  name: "sum",
  signature: {
    doc: "Sum over one axis, whose size becomes 1",
    inputs: [{ name: "x", doc: "any shape" }],
    outputs: [{ name: "y", doc: "the same, with size 1 on the axis" }],
    params: { axis: { doc: "axis summed over" } },
  },
  infer: ([x], { axis }) => {
    if (!Number.isInteger(axis) || axis < 0 || axis >= x.shape.length) {
      throw new ShapeError(`Cannot sum ${formatShape(x.shape)} over axis ${axis}: no such axis`);
    }
    return [{ shape: x.shape.map((n, k) => k === axis ? 1 : n), dtype: "f32" }];
  },
  vjp: ({ inputs: [x], cotangents: [dy], attributes: { axis } }) =>
    dy ? [repeat(dy, { axis, count: x.type.shape[axis] })] : [],
  withTail: (tail) => opWithTail(op, tail),
  reference: ({ inputs: [type], attributes: { axis } }, { inputs: [x], outputs: [y] }) => {
    const { outer, terms, inner } = extentOf(type.shape, axis);
    y.fill(0);
    for (let i = 0; i < outer * terms * inner; i++) {
      y[Math.floor(i / (terms * inner)) * inner + (i % inner)] += x[i];
    }
  },
  scratch: (site) => {
    const type = partials(site);
    return type ? [type] : [];
  },
  lower: {
    webgpu: ({ inputs: [x], attributes: { axis } }, _, limits) =>
      launches(extentOf(x.shape, axis), limits),
  },
  cost: ({ inputs: [x] }) => ({ flops: sizeOf(x.shape), bytes: 4 * sizeOf(x.shape) }),
  trials: [
    trial("one term", [1], 0),
    trial("rows of a prime width", [31, 67], 1),
    trial("columns", [513, 5], 0),
    trial("a middle axis", [3, 129, 7], 1),
    trial("two stages", [2, 2049, 3], 1),
    trial("no columns", [2, 0], 0),
    trial("no terms", [2, 0], 1),
  ],
};
