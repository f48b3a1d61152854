/** Zeros before and behind one axis: the transpose of `slice`. */
import source from "../../shaders/pad.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { f32, formatShape, type Shape, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { slice } from "./slice.ts";

export interface PadAttributes extends Attributes {
  /** The axis made longer. */
  readonly axis: number;
  /** Zeros before the values. */
  readonly before: number;
  /** Zeros behind the values. */
  readonly after: number;
}

/**
 * x: (…, n, …) → (…, before + n + after, …), zeros outside the values of x. No zeros: x itself.
 *
 * @throws {ShapeError} If there is no such axis, or a count is negative
 */
export function pad(
  x: Tensor,
  options: { readonly axis: number; readonly before: number; readonly after: number },
): Tensor {
  const { axis, before, after } = options;
  return before === 0 && after === 0 ? x : apply(op, [x], { axis, before, after });
}

function lengthened({ shape, dtype }: TensorType, attributes: PadAttributes): TensorType {
  const { axis, before, after } = attributes;
  const fits = dtype === "f32" && [axis, before, after].every(Number.isInteger) && axis >= 0 &&
    axis < shape.length && before >= 0 && after >= 0;
  if (!fits) {
    throw new ShapeError(
      `Cannot put ${before} zeros before and ${after} behind axis ${axis} of ${
        formatShape(shape)
      } ${dtype}: expected f32 with that axis and whole numbers >= 0`,
    );
  }
  return f32(...shape.map((n, k) => k === axis ? before + n + after : n));
}

const trial = (
  name: string,
  shape: Shape,
  [axis, before, after]: readonly [number, number, number],
): Trial<PadAttributes> => ({
  name,
  inputs: [{ type: f32(...shape), law: "awkward" }],
  attributes: { axis, before, after },
  tolerance: 0, // copies
  gradientTolerance: 1e-6,
});

/** Found by the loop over all ops. */
export const op: Op<PadAttributes> = {
  name: "pad",
  signature: {
    doc: "Zeros before and behind one axis",
    inputs: [{ name: "x", doc: "any shape with the axis" }],
    outputs: [{ name: "y", doc: "the same, longer by before + after on the axis" }],
    params: {
      axis: { doc: "axis made longer" },
      before: { doc: "zeros before the values" },
      after: { doc: "zeros behind the values" },
    },
  },
  infer: ([x], attributes) => [lengthened(x, attributes)],
  vjp: ({ inputs: [x], cotangents: [dy], attributes: { axis, before } }) =>
    dy ? [slice(dy, { axis, from: before, to: before + x.type.shape[axis] })] : [],
  reference: (site, { inputs: [x], outputs: [y] }) => {
    const { inputs: [{ shape }], outputs: [type], attributes: { axis, before } } = site;
    const inner = sizeOf(shape.slice(axis + 1));
    y.fill(0);
    x.forEach((value, index) => {
      const line = Math.floor(index / inner);
      const [outer, position] = [Math.floor(line / shape[axis]), line % shape[axis]];
      y[(outer * type.shape[axis] + before + position) * inner + index % inner] = value;
    });
  },
  lower: {
    webgpu: ({ inputs: [x], outputs: [y], attributes: { axis, before } }, _, limits) => {
      const [whole, kept] = [sizeOf(y.shape.slice(axis)), sizeOf(x.shape.slice(axis))];
      const rows = sizeOf(x.shape.slice(0, axis));
      const tensors = [perRow(input(0), 4 * kept), perRow(output(0), 4 * whole)];
      return launchByRows({ rows, perRow: tensors, ...limits }, (range) => [dispatchThreads({
        source,
        shader: "pad",
        threads: range.rows * whole,
        overrides: {
          WHOLE: whole,
          BEFORE: before * sizeOf(x.shape.slice(axis + 1)),
          KEPT: kept,
        },
        bindings: [input(0), output(0)],
      })]);
    },
  },
  cost: ({ inputs: [x], outputs: [y] }) => ({
    flops: 0,
    bytes: 4 * (sizeOf(x.shape) + sizeOf(y.shape)),
  }),
  trials: [
    trial("one element", [1], [0, 1, 1]),
    trial("rows behind", [31, 7], [0, 0, 13]),
    trial("columns before", [67, 13], [1, 5, 0]),
    trial("both sides of a middle axis", [3, 29, 7], [1, 2, 3]),
    trial("more than a workgroup inwards", [2, 3, 65], [1, 1, 0]),
    trial("around nothing", [67, 0, 5], [1, 1, 1]),
  ],
};
