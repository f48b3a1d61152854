/** Backward pass of angle. */
import source from "../../shaders/angle.wgsl" with { type: "text" };
import { input, type Op, output, type Trial } from "../graph/op.ts";
import { expectShape, f32, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { launchByRows, perRow } from "./row_shards.ts";

/** z (…, 2), dy (…) → dz (…, 2): dy (-y, x) / (x^2 + y^2), exact where the polynomial of the angle is not. */
export function angleVjp(z: Tensor, dy: Tensor): Tensor {
  return apply(op, [z, dy], {});
}

const trial = (name: string, shape: Shape): Trial => ({
  name,
  inputs: [
    { type: f32(...shape), law: "normal" },
    { type: f32(...shape.slice(0, -1)), law: "awkward" },
  ],
  attributes: {},
  tolerance: 1e-6, // a quotient by a sum of squares
  gradientTolerance: false,
});

/** Found by the loop over all ops. */
export const op: Op = {
  name: "angle_vjp",
  signature: {
    doc: "Backward pass of angle",
    inputs: [
      { name: "z", doc: "(…, 2), real and imaginary part" },
      { name: "dy", doc: "(…)" },
    ],
    outputs: [{ name: "dz", doc: "(…, 2)" }],
    params: {},
  },
  infer: ([z, dy]) => {
    expectShape("dy of angle_vjp", dy, f32(...z.shape.slice(0, -1)));
    return [z];
  },
  reference: (_, { inputs: [z, dy], outputs: [dz] }) => {
    dy.forEach((cotangent, i) => {
      const [x, y] = [z[2 * i], z[2 * i + 1]];
      const square = x * x + y * y;
      dz[2 * i] = -cotangent * y / square;
      dz[2 * i + 1] = cotangent * x / square;
    });
  },
  lower: {
    webgpu: ({ inputs: [, dy] }, _, limits) => {
      const tensors = [perRow(input(0), 8), perRow(input(1), 4), perRow(output(0), 8)];
      const shards = { rows: sizeOf(dy.shape), perRow: tensors, ...limits };
      return launchByRows(shards, ({ rows }) => [dispatchThreads({
        source,
        shader: "angle",
        entryPoint: "backward",
        threads: rows,
        bindings: [input(0), input(1), output(0)],
      })]);
    },
  },
  cost: ({ inputs: [, dy] }) => ({ flops: 6 * sizeOf(dy.shape), bytes: 20 * sizeOf(dy.shape) }),
  trials: [
    trial("one pair", [2]),
    trial("more than a workgroup", [67, 2]),
    trial("several axes", [3, 5, 31, 2]),
  ],
};
