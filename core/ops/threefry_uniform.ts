/** Uniform random numbers on the device. docs/mathematics.md §9. */
import source from "../../shaders/threefry.wgsl" with { type: "text" };
import type { Op } from "../graph/op.ts";
import { f32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import {
  type Draw,
  type ThreefryAttributes,
  threefryAttributes,
  threefryDispatch,
  threefryParameters,
  threefryShape,
  threefryTrials,
  threefryWords,
} from "./threefry.ts";

/**
 * step (1) i32 → numbers of `shape` in [0, 1): the upper 23 bits of the words of `threefry` over 2^23, exact in
 * f32, so every adapter gives the same numbers.
 */
export function threefryUniform(step: Tensor, draw: Draw): Tensor {
  return apply(op, [step], threefryAttributes(draw));
}

export const op: Op<ThreefryAttributes> = {
  name: "threefry_uniform",
  signature: {
    doc: "Random numbers uniform on [0, 1), multiples of 2^-23",
    inputs: [{ name: "step", doc: "(1) i32, first word of the counter" }],
    outputs: [{ name: "y", doc: "of the given shape" }],
    params: threefryParameters,
  },
  infer: (types, attributes) => [f32(...threefryShape(types, attributes))],
  reference: ({ attributes }, { inputs: [step], outputs: [y] }) => {
    const words = threefryWords(step[0], { attributes, count: y.length });
    words.forEach((word, i) => y[i] = Math.floor(word / 512) / 8388608);
  },
  lower: {
    webgpu: ({ outputs: [type], attributes }) => [
      threefryDispatch(source, { entryPoint: "uniforms", attributes, type }),
    ],
  },
  cost: ({ outputs: [y] }) => ({ flops: 0, bytes: 4 * sizeOf(y.shape) }),
  trials: threefryTrials(),
};
