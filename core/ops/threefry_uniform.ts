/** Uniform random numbers on the device. docs/mathematics.md §9. */
import source from "../../shaders/threefry.wgsl" with { type: "text" };
import { type Op, stopped } from "../graph/op.ts";
import { f32, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import {
  type ThreefryAttributes,
  threefryDispatch,
  threefryInputs,
  threefryParameters,
  threefryShape,
  threefryTrials,
  threefryWords,
} from "./threefry.ts";

/**
 * position (3) i32 → numbers of `shape` in [0, 1): the upper 23 bits of the words of `threefry` over 2^23, exact
 * in f32, so every adapter gives the same numbers.
 */
export function threefryUniform(position: Tensor, shape: Shape): Tensor {
  return apply(op, [position], { shape: shape.join(",") });
}

export const op: Op<ThreefryAttributes> = {
  name: "threefry_uniform",
  signature: {
    doc: "Random numbers uniform on [0, 1), multiples of 2^-23",
    inputs: threefryInputs,
    outputs: [{ name: "y", doc: "of the given shape" }],
    params: threefryParameters,
  },
  infer: (types, attributes) => [f32(...threefryShape(types, attributes))],
  vjp: () => [stopped],
  reference: (_, { inputs: [position], outputs: [y] }) => {
    threefryWords(position, y.length).forEach((word, i) => y[i] = Math.floor(word / 512) / 8388608);
  },
  lower: {
    webgpu: ({ outputs: [type] }) => [threefryDispatch(source, { entryPoint: "uniforms", type })],
  },
  cost: ({ outputs: [y] }) => ({ flops: 0, bytes: 4 * sizeOf(y.shape) }),
  trials: threefryTrials(),
};
