/** Sum over one axis. */
import source from "../../shaders/sum.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Attributes,
  input,
  type Op,
  output,
  scratch,
  type Site,
  type Trial,
} from "../graph/op.ts";
import { f32, formatShape, type Shape, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { repeat } from "./repeat.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

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

function stage(extent: Extent, from: "input" | "scratch", to: "output" | "scratch") {
  const chunks = Math.ceil(extent.terms / CHUNK);
  const threads = extent.outer * (to === "output" ? 1 : chunks) * extent.inner;
  return dispatchThreads({
    source,
    shader: "sum",
    threads,
    overrides: {
      TERMS: extent.terms,
      INNER: extent.inner,
      CHUNKS: to === "output" ? 1 : chunks,
      CHUNK: to === "output" ? extent.terms : CHUNK,
    },
    bindings: [from === "input" ? input(0) : scratch(0), to === "output" ? output(0) : scratch(0)],
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
    webgpu: (site) => {
      const extent = extentOf(site.inputs[0].shape, site.attributes.axis);
      if (!partials(site)) return [stage(extent, "input", "output")];
      const chunks = Math.ceil(extent.terms / CHUNK);
      return [
        stage(extent, "input", "scratch"),
        stage({ ...extent, terms: chunks }, "scratch", "output"),
      ];
    },
  },
  cost: ({ inputs: [x] }) => ({ flops: sizeOf(x.shape), bytes: 4 * sizeOf(x.shape) }),
  trials: [
    trial("one term", [1], 0),
    trial("rows of a prime width", [31, 67], 1),
    trial("columns", [513, 5], 0),
    trial("a middle axis", [3, 129, 7], 1),
    trial("two stages", [2, 2049, 3], 1),
    trial("no columns", [2, 0], 0),
  ],
};
