/** Exchange of two neighbouring axes. */
import source from "../../shaders/swap_axes.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { f32, formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { launchByRows, perRow } from "./row_shards.ts";

/** Which axes are exchanged. */
export interface SwapAxesAttributes extends Attributes {
  /** The axis exchanged with the one behind it. */
  readonly axis: number;
}

/** x: (…, m, n, …) → (…, n, m, …), where m is axis `axis`. @throws {ShapeError} If there is no axis behind it */
export function swapAxes(x: Tensor, options: SwapAxesAttributes): Tensor {
  return apply(op, [x], { axis: options.axis });
}

function extents(shape: Shape, axis: number): readonly [number, number, number] {
  return [shape[axis], shape[axis + 1], sizeOf(shape.slice(axis + 2))];
}

const trial = (name: string, shape: Shape, axis: number): Trial<SwapAxesAttributes> => ({
  name,
  inputs: [{ type: f32(...shape), law: "awkward" }],
  attributes: { axis },
  tolerance: 0, // copies
  gradientTolerance: 1e-6,
});

export const op: Op<SwapAxesAttributes> = {
  name: "swap_axes",
  signature: {
    doc: "Exchange of an axis with the one behind it",
    inputs: [{ name: "x", doc: "rank at least 2" }],
    outputs: [{ name: "y", doc: "the two sizes exchanged" }],
    params: { axis: { doc: "the first of the two axes" } },
  },
  infer: ([x], { axis }) => {
    if (!Number.isInteger(axis) || axis < 0 || axis + 1 >= x.shape.length) {
      throw new ShapeError(
        `Cannot swap axes ${axis} and ${axis + 1} of ${formatShape(x.shape)}: no such axes`,
      );
    }
    const [m, n] = extents(x.shape, axis);
    return [{
      shape: x.shape.map((k, at) => at === axis ? n : at === axis + 1 ? m : k),
      dtype: "f32",
    }];
  },
  vjp: ({ cotangents: [dy], attributes }) => dy ? [swapAxes(dy, attributes)] : [],
  reference: ({ inputs: [type], attributes: { axis } }, { inputs: [x], outputs: [y] }) => {
    const [m, n, inner] = extents(type.shape, axis);
    x.forEach((value, index) => {
      const i = index % inner;
      const column = Math.floor(index / inner) % n;
      const row = Math.floor(index / (inner * n)) % m;
      const block = index - (index % (m * n * inner));
      y[block + (column * m + row) * inner + i] = value;
    });
  },
  lower: {
    webgpu: ({ inputs: [x], attributes: { axis } }, _, limits) => {
      const [m, n, inner] = extents(x.shape, axis);
      const rows = sizeOf(x.shape.slice(0, axis));
      const bindings = [input(0), output(0)];
      const tensors = bindings.map((binding) => perRow(binding, 4 * m * n * inner));
      return launchByRows({ rows, perRow: tensors, ...limits }, (range) => [dispatchThreads({
        source,
        shader: "swap_axes",
        threads: range.rows * m * n * inner,
        overrides: { M: m, N: n, INNER: inner },
        bindings,
      })]);
    },
  },
  cost: ({ inputs: [x] }) => ({ flops: 0, bytes: 8 * sizeOf(x.shape) }),
  trials: [
    trial("one element", [1, 1], 0),
    trial("primes", [3, 31, 7], 1),
    trial("with an inner axis", [2, 13, 5, 2], 1),
    trial("a column to a row", [129, 1], 0),
  ],
};
