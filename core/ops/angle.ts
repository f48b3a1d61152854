/** Angle of complex numbers that lie as pairs: `atan2` without taking the pairs apart. */
import source from "../../shaders/angle.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { input, type Op, output, type Trial } from "../graph/op.ts";
import { f32, formatShape, type Shape, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { angleVjp } from "./angle_vjp.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { launchByRows, perRow } from "./row_shards.ts";

/**
 * z (…, 2), real and imaginary part → arg z (…) in (-pi, pi], off by at most 5e-7. Zeros of both signs count as
 * +0; the angle of 0 is 0. Infinite parts give the angles of IEEE 754, pi / 4 for two of them. A part that is NaN
 * gives NaN. The gradient at 0 and at infinite parts is not a number.
 *
 * @throws {ShapeError} If the last axis of z is not of size 2
 */
export function angle(z: Tensor): Tensor {
  return apply(op, [z], {});
}

function angles({ shape, dtype }: TensorType): TensorType {
  if (dtype !== "f32" || shape.at(-1) !== 2) {
    throw new ShapeError(
      `Cannot take angles of ${
        formatShape(shape)
      } ${dtype}: expected f32 with a last axis of size 2`,
    );
  }
  return f32(...shape.slice(0, -1));
}

/** Pairs at distances 0.5 to 1.5 and angles -3 to 3, clear of the negative real axis, where the angle jumps. */
function aroundTheOrigin(index: number): number {
  const pair = Math.floor(index / 2);
  const turn = 6 * ((0.618 * pair) % 1) - 3;
  return (0.5 + (0.37 * pair) % 1) * (index % 2 === 0 ? Math.cos(turn) : Math.sin(turn));
}

/** One point of each quadrant, both parts of that size. */
function diagonals(size: number): readonly number[] {
  return [size, size, -size, size, -size, -size, size, -size];
}

const trial = (
  name: string,
  shape: Shape,
  law: Trial["inputs"][0]["law"] = aroundTheOrigin,
  hasGradient = true,
): Trial => ({
  name,
  inputs: [{ type: f32(...shape), law }],
  attributes: {},
  tolerance: 1.6e-7, // 5e-7 of pi: the polynomial, and rounding near pi
  gradientTolerance: hasGradient ? 2e-6 : false,
});

/** Found by the loop over all ops. */
export const op: Op = {
  name: "angle",
  signature: {
    doc: "Angle of complex numbers that lie as pairs, in (-pi, pi]",
    inputs: [{ name: "z", doc: "(…, 2), real and imaginary part" }],
    outputs: [{ name: "y", doc: "(…)" }],
    params: {},
  },
  infer: ([z]) => [angles(z)],
  vjp: ({ inputs: [z], cotangents: [dy] }) => dy ? [angleVjp(z, dy)] : [],
  reference: (_, { inputs: [z], outputs: [y] }) => {
    y.forEach((_, i) => y[i] = Math.atan2(z[2 * i + 1] + 0, z[2 * i] + 0)); // -0 counts as 0
  },
  lower: {
    webgpu: ({ outputs: [y] }, _, limits) => {
      const tensors = [perRow(input(0), 8), perRow(output(0), 4)];
      const shards = { rows: sizeOf(y.shape), perRow: tensors, ...limits };
      return launchByRows(shards, ({ rows }) => [dispatchThreads({
        source,
        shader: "angle",
        threads: rows,
        bindings: [input(0), output(0)],
      })]);
    },
  },
  cost: ({ outputs: [y] }) => ({ flops: 22 * sizeOf(y.shape), bytes: 12 * sizeOf(y.shape) }),
  trials: [
    trial("one pair", [2]),
    trial("all octants", [3, 347, 2]),
    // The angle jumps at the negative real axis, and the differences would step across.
    trial(
      "axes and diagonals",
      [8, 2],
      [1, 0, 1, 1, 0, 1, -1, 1, -1, 0, -1, -1, 0, -1, 1, -1],
      false,
    ),
    trial("tiny and huge", [4, 2], [1e-30, 1, 1e30, -1e30, -1e-30, 1e-30, 3, 1e-20], false),
    trial("two infinite parts", [4, 2], diagonals(Infinity), false),
    trial(
      "an infinite part",
      [4, 2],
      [3, Infinity, -Infinity, 2, -1, -Infinity, Infinity, -7],
      false,
    ),
    trial("the largest numbers", [4, 2], diagonals((2 - 2 ** -23) * 2 ** 127), false),
  ],
};
