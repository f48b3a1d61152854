/** The same elements under another shape. No memory moves: the planner gives both one place. */
import { ShapeError } from "../errors.ts";
import { type Attributes, type Op, type Trial } from "../graph/op.ts";
import { f32, formatShape, sameShape, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";

export interface ReshapeAttributes extends Attributes {
  /** Sizes joined by commas; empty for a scalar. */
  readonly shape: string;
}

/** x: any shape → `shape`, of equal size. @throws {ShapeError} If the sizes differ */
export function reshape(x: Tensor, shape: Shape): Tensor {
  return sameShape(x.type.shape, shape) ? x : apply(op, [x], { shape: shape.join(",") });
}

const trial = (name: string, from: Shape, shape: string): Trial<ReshapeAttributes> => ({
  name,
  inputs: [{ type: f32(...from), law: "awkward" }],
  attributes: { shape },
  tolerance: 0,
  gradientTolerance: 1e-6,
});

export const op: Op<ReshapeAttributes> = {
  name: "reshape",
  signature: {
    doc: "The same elements under another shape",
    inputs: [{ name: "x", doc: "any shape" }],
    outputs: [{ name: "y", doc: "the given shape" }],
    params: { shape: { doc: "sizes joined by commas" } },
  },
  infer: ([x], { shape: text }) => {
    const shape = text === "" ? [] : text.split(",").map(Number);
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        `Cannot reshape ${formatShape(x.shape)} to ${formatShape(shape)}: ` +
          `sizes must agree, got ${sizeOf(x.shape)} and ${sizeOf(shape)}`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  vjp: ({ inputs: [x], cotangents: [dy] }) => dy ? [reshape(dy, x.type.shape)] : [],
  reference: (_, { inputs: [x], outputs: [y] }) => {
    y.set(x);
  },
  view: true,
  lower: { webgpu: () => [] },
  cost: () => ({ flops: 0, bytes: 0 }),
  trials: [trial("to one row", [3, 5], "15"), trial("a scalar", [1, 1], "")],
};
