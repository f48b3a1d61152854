/** Numbers rounded to half precision, two to a 32-bit word. docs/mathematics.md §11. */
import source from "../../shaders/pack_f16.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, type Op, type Trial, type TrialInput } from "../graph/op.ts";
import { f32, formatShape, i32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { halfBits } from "./half_bits.ts";
import { HALF_BYTES, halfLaunches, SINGLE_BYTES } from "./half_launches.ts";

/**
 * x of any shape and n elements → words (ceil(n / 2)) i32: element 2j in the lower, 2j + 1 in the upper 16
 * bits of word j, each rounded to the nearest binary16 number, ties to even. |x| >= 65520 becomes an infinity
 * and NaN stays NaN. The op has no gradient.
 *
 * @throws {ShapeError} If x holds integers
 */
export function packF16(x: Tensor): Tensor {
  return apply(op, [x], {});
}

const trial = (name: string, size: number, law: TrialInput["law"]): Trial => ({
  name,
  inputs: [{ type: f32(size), law }],
  attributes: {},
  tolerance: 0, // words, equal bit by bit
  gradientTolerance: false,
});

/** Numbers of all sizes a half can have, subnormal ones, infinities and zeros among them. */
const allSizes = (index: number, draw: number): number =>
  (index % 2 === 0 ? 1 : -1) * (1 + draw) * 2 ** (Math.floor((index * 17) % 47) - 28);

export const op: Op<Attributes> = {
  name: "pack_f16",
  signature: {
    doc: "Numbers rounded to half precision, two to a word",
    inputs: [{ name: "x", doc: "any shape, n elements" }],
    outputs: [{ name: "words", doc: "(ceil(n / 2)) i32, the earlier element in the lower bits" }],
    params: {},
  },
  infer: ([x]) => {
    if (x.dtype !== "f32") {
      throw new ShapeError(`Cannot pack ${formatShape(x.shape)} ${x.dtype}: expected f32`);
    }
    return [i32(Math.ceil(sizeOf(x.shape) / 2))];
  },
  reference: (_, { inputs: [x], outputs: [words] }) => {
    for (let j = 0; j < words.length; j++) {
      const upper = 2 * j + 1 < x.length ? halfBits(x[2 * j + 1]) : 0;
      words[j] = halfBits(x[2 * j]) | (upper << 16);
    }
  },
  lower: {
    webgpu: ({ inputs: [x] }) =>
      halfLaunches({
        source,
        shader: "pack_f16",
        size: sizeOf(x.shape),
        bytesRead: SINGLE_BYTES,
        bytesWritten: HALF_BYTES,
      }),
  },
  cost: ({ inputs: [x], outputs: [words] }) => ({
    flops: 0,
    bytes: 4 * (sizeOf(x.shape) + sizeOf(words.shape)),
  }),
  trials: [
    trial("one number", 1, [-1 / 3]),
    trial("no number for the last half", 67, "awkward"),
    trial("numbers of all sizes", 1031, allSizes),
    trial("ties, limits, NaN", 12, [
      ...[1 + 2 ** -11, 1 + 3 * 2 ** -11, 65519.996, 65520, -65520, Infinity, -Infinity, NaN],
      ...[2 ** -25, 1.0000001 * 2 ** -25, 2 ** -14 - 2 ** -26, 1e-45],
    ]),
  ],
};
