/** Copies along one axis: the transpose of `sum`. */
import source from "../../shaders/repeat.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { f32, formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { launchByRows, perRow } from "./row_shards.ts";
import { sum } from "./sum.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

export interface RepeatAttributes extends Attributes {
  /** Axis of size 1 to copy along. */
  readonly axis: number;
  /** Its new size. */
  readonly count: number;
}

/** x: (…, 1, …) → (…, count, …). @throws {ShapeError} If the axis has another size than 1 */
export function repeat(
  x: Tensor,
  options: { readonly axis: number; readonly count: number },
): Tensor {
  return apply(op, [x], { axis: options.axis, count: options.count });
}

const trial = (
  name: string,
  shape: Shape,
  attributes: RepeatAttributes,
): Trial<RepeatAttributes> => ({
  name,
  inputs: [{ type: f32(...shape), law: "awkward" }],
  attributes,
  tolerance: 0, // copies
  gradientTolerance: 1e-5,
});

export const op: Op<RepeatAttributes> = {
  name: "repeat",
  signature: {
    doc: "Copies along an axis of size 1",
    inputs: [{ name: "x", doc: "any shape with size 1 on the axis" }],
    outputs: [{ name: "y", doc: "the same with size count on the axis" }],
    params: { axis: { doc: "axis copied along" }, count: { doc: "its new size" } },
  },
  infer: ([x], { axis, count }) => {
    if (x.shape[axis] !== 1) {
      throw new ShapeError(
        `Cannot repeat ${formatShape(x.shape)} along axis ${axis}: its size must be 1`,
      );
    }
    return [{ shape: x.shape.map((n, k) => k === axis ? count : n), dtype: "f32" }];
  },
  vjp: ({ cotangents: [dy], attributes: { axis } }) => dy ? [sum(dy, { axis })] : [],
  reference: ({ inputs: [type], attributes: { axis, count } }, { inputs: [x], outputs: [y] }) => {
    const inner = sizeOf(type.shape.slice(axis + 1));
    for (let i = 0; i < y.length; i++) {
      y[i] = x[Math.floor(i / (inner * count)) * inner + (i % inner)];
    }
  },
  lower: {
    webgpu: ({ inputs: [x], attributes: { axis, count } }, _, limits) => {
      const inner = sizeOf(x.shape.slice(axis + 1));
      const outer = sizeOf(x.shape.slice(0, axis));
      const launch = (copies: number, threads: number) => [dispatchThreads({
        source,
        shader: "repeat",
        threads,
        overrides: { INNER: inner, COPIES: copies },
        bindings: [input(0), output(0)],
      })];
      if (outer === 1) {
        return launchByRows(
          { rows: count, perRow: [perRow(output(0), 4 * inner)], ...limits },
          ({ rows }) => launch(rows, rows * inner),
        );
      }
      const tensors = [perRow(input(0), 4 * inner), perRow(output(0), 4 * count * inner)];
      return launchByRows(
        { rows: outer, perRow: tensors, ...limits },
        ({ rows }) => launch(count, rows * count * inner),
      );
    },
  },
  cost: ({ inputs: [x], outputs: [y] }) => ({
    flops: 0,
    bytes: 4 * (sizeOf(x.shape) + sizeOf(y.shape)),
  }),
  trials: [
    trial("one copy", [1], { axis: 0, count: 1 }),
    trial("a middle axis of a prime size", [3, 1, 7], { axis: 1, count: 129 }),
    trial("rows", [67, 1], { axis: 1, count: 31 }),
  ],
};
