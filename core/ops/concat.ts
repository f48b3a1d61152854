/** Tensors joined along one axis. */
import source from "../../shaders/concat.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { f32, formatShape, type Shape, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { slice } from "./slice.ts";

export interface ConcatAttributes extends Attributes {
  /** The axis joined along. */
  readonly axis: number;
}

/**
 * a: (…, m, …), b: (…, n, …) → (…, m + n, …), a first. More tensors are joined one after the other, so that the first
 * of k are copied k - 1 times.
 *
 * @throws {ShapeError} If there are fewer than two, there is no such axis, or another size differs
 */
export function concat(
  tensors: readonly [Tensor, Tensor, ...Tensor[]],
  options: { readonly axis: number },
): Tensor {
  if (tensors.length < 2) { // `deno run` checks no types
    throw new ShapeError(`Cannot join ${tensors.length} tensors: expected two or more`);
  }
  return tensors.reduce((a, b) => apply(op, [a, b], { axis: options.axis }));
}

function joined([a, b]: readonly TensorType[], { axis }: ConcatAttributes): TensorType {
  const fits = a.dtype === "f32" && b.dtype === "f32" && a.shape.length === b.shape.length &&
    Number.isInteger(axis) && axis >= 0 && axis < a.shape.length &&
    a.shape.every((n, k) => k === axis || n === b.shape[k]);
  if (!fits) {
    throw new ShapeError(
      `Cannot join ${formatShape(a.shape)} ${a.dtype} and ${
        formatShape(b.shape)
      } ${b.dtype} along ` +
        `axis ${axis}: expected f32 of one rank with that axis, and equal sizes on every other`,
    );
  }
  return f32(...a.shape.map((n, k) => k === axis ? n + b.shape[k] : n));
}

/** Elements of `shape` from `axis` inwards. */
function inwards({ shape }: TensorType, axis: number): number {
  return sizeOf(shape.slice(axis));
}

const trial = (name: string, [a, b]: readonly Shape[], axis: number): Trial<ConcatAttributes> => ({
  name,
  inputs: [{ type: f32(...a), law: "awkward" }, { type: f32(...b), law: "normal" }],
  attributes: { axis },
  tolerance: 0, // copies
  gradientTolerance: 1e-6,
});

/** Found by the loop over all ops. */
export const op: Op<ConcatAttributes> = {
  name: "concat",
  signature: {
    doc: "Two tensors joined along one axis",
    inputs: [
      { name: "a", doc: "any shape with the axis" },
      { name: "b", doc: "the same sizes but on the axis" },
    ],
    outputs: [{ name: "y", doc: "a, then b; the sizes on the axis add up" }],
    params: { axis: { doc: "axis joined along" } },
  },
  infer: (types, attributes) => [joined(types, attributes)],
  vjp: ({ inputs: [a, b], cotangents: [dy], attributes: { axis } }) => {
    if (!dy) return [];
    const cut = a.type.shape[axis];
    return [
      slice(dy, { axis, from: 0, to: cut }),
      slice(dy, { axis, from: cut, to: cut + b.type.shape[axis] }),
    ];
  },
  reference: (site, { inputs: [a, b], outputs: [y] }) => {
    const { axis } = site.attributes;
    const [left, right] = site.inputs.map((type) => inwards(type, axis));
    for (let o = 0; o * (left + right) < y.length; o++) {
      y.set(a.subarray(o * left, (o + 1) * left), o * (left + right));
      y.set(b.subarray(o * right, (o + 1) * right), o * (left + right) + left);
    }
  },
  lower: {
    webgpu: ({ inputs: [a, b], attributes: { axis } }, _, limits) => {
      const [left, right] = [inwards(a, axis), inwards(b, axis)];
      const rows = sizeOf(a.shape.slice(0, axis));
      const tensors = [
        perRow(input(0), 4 * left),
        perRow(input(1), 4 * right),
        perRow(output(0), 4 * (left + right)),
      ];
      return launchByRows({ rows, perRow: tensors, ...limits }, (range) => [dispatchThreads({
        source,
        shader: "concat",
        threads: range.rows * (left + right),
        overrides: { LEFT: left, RIGHT: right },
        bindings: [input(0), input(1), output(0)],
      })]);
    },
  },
  cost: ({ outputs: [y] }) => ({ flops: 0, bytes: 8 * sizeOf(y.shape) }),
  trials: [
    trial("one element each", [[1], [1]], 0),
    trial("rows under rows", [[3, 31], [5, 31]], 0),
    trial("a prime middle axis", [[3, 31, 7], [3, 2, 7]], 1),
    trial("columns", [[67, 1], [67, 13]], 1),
    trial("more than a workgroup inwards", [[2, 1, 65], [2, 3, 65]], 1),
    trial("nothing before", [[65, 0, 5], [65, 2, 5]], 1),
  ],
};
