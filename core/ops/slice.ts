/** A range of one axis. */
import source from "../../shaders/slice.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { f32, formatShape, type Shape, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { pad } from "./pad.ts";
import { launchByRows, perRow } from "./row_shards.ts";

export interface SliceAttributes extends Attributes {
  /** The axis cut. */
  readonly axis: number;
  /** First position kept. */
  readonly from: number;
  /** One past the last position kept. */
  readonly to: number;
}

/**
 * x: (…, n, …) → (…, to - from, …), positions from … to - 1 of the axis. The whole range gives x itself.
 *
 * @throws {ShapeError} Unless 0 <= from <= to <= n
 */
export function slice(
  x: Tensor,
  options: { readonly axis: number; readonly from: number; readonly to: number },
): Tensor {
  const { axis, from, to } = options;
  return from === 0 && to === x.type.shape[axis] ? x : apply(op, [x], { axis, from, to });
}

function cut({ shape, dtype }: TensorType, { axis, from, to }: SliceAttributes): TensorType {
  const fits = dtype === "f32" && [axis, from, to].every(Number.isInteger) && axis >= 0 &&
    axis < shape.length && 0 <= from && from <= to && to <= shape[axis];
  if (!fits) {
    throw new ShapeError(
      `Cannot cut ${from} to ${to} out of axis ${axis} of ${formatShape(shape)} ${dtype}: ` +
        `expected f32 and whole numbers with 0 <= from <= to <= size of the axis`,
    );
  }
  return f32(...shape.map((n, k) => k === axis ? to - from : n));
}

const trial = (
  name: string,
  shape: Shape,
  [axis, from, to]: readonly [number, number, number],
): Trial<SliceAttributes> => ({
  name,
  inputs: [{ type: f32(...shape), law: "awkward" }],
  attributes: { axis, from, to },
  tolerance: 0, // copies
  gradientTolerance: 1e-6,
});

/** Found by the loop over all ops. */
export const op: Op<SliceAttributes> = {
  name: "slice",
  signature: {
    doc: "A range of one axis",
    inputs: [{ name: "x", doc: "any shape with the axis" }],
    outputs: [{ name: "y", doc: "the same with size to - from on the axis" }],
    params: {
      axis: { doc: "axis cut" },
      from: { doc: "first position kept" },
      to: { doc: "one past the last position kept" },
    },
  },
  infer: ([x], attributes) => [cut(x, attributes)],
  vjp: ({ inputs: [x], cotangents: [dy], attributes: { axis, from, to } }) =>
    dy ? [pad(dy, { axis, before: from, after: x.type.shape[axis] - to })] : [],
  reference: (site, { inputs: [x], outputs: [y] }) => {
    const { inputs: [{ shape }], attributes: { axis, from, to } } = site;
    const inner = sizeOf(shape.slice(axis + 1));
    const kept: number[] = [];
    x.forEach((value, index) => {
      const position = Math.floor(index / inner) % shape[axis];
      if (position >= from && position < to) kept.push(value);
    });
    y.set(kept);
  },
  lower: {
    webgpu: ({ inputs: [x], outputs: [y], attributes: { axis, from } }, _, limits) => {
      const [whole, kept] = [sizeOf(x.shape.slice(axis)), sizeOf(y.shape.slice(axis))];
      const rows = sizeOf(x.shape.slice(0, axis));
      const tensors = [perRow(input(0), 4 * whole), perRow(output(0), 4 * kept)];
      return launchByRows({ rows, perRow: tensors, ...limits }, (range) => [dispatchThreads({
        source,
        shader: "slice",
        threads: range.rows * kept,
        overrides: {
          WHOLE: whole,
          FIRST: from * sizeOf(x.shape.slice(axis + 1)),
          KEPT: kept,
        },
        bindings: [input(0), output(0)],
      })]);
    },
  },
  cost: ({ outputs: [y] }) => ({ flops: 0, bytes: 8 * sizeOf(y.shape) }),
  trials: [
    trial("the whole of one element", [1], [0, 0, 1]),
    trial("first rows", [31, 7], [0, 0, 13]),
    trial("last columns", [67, 31], [1, 30, 31]),
    trial("a middle range of a middle axis", [3, 31, 7], [1, 5, 29]),
    trial("more than a workgroup inwards", [2, 3, 65], [1, 1, 3]),
    trial("nothing", [3, 5], [1, 2, 2]),
  ],
};
