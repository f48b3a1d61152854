/** Numbers from packed halves. docs/mathematics.md §11. */
import source from "../../shaders/unpack_f16.wgsl" with { type: "text" };
import { type Attributes, type Op, type Trial, type TrialInput } from "../graph/op.ts";
import { expectShape, i32, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { halfValue } from "./half_bits.ts";
import { HALF_BYTES, halfLaunches, SINGLE_BYTES } from "./half_launches.ts";

export interface UnpackF16Attributes extends Attributes {
  /** Sizes joined by commas; empty for a scalar. */
  readonly shape: string;
}

/**
 * Words (ceil(n / 2)) i32 of `packF16` → f32 of `shape`, n elements: exact. The op has no gradient.
 *
 * @throws {ShapeError} If there are not as many words as the shape needs
 */
export function unpackF16(words: Tensor, shape: Shape): Tensor {
  return apply(op, [words], { shape: shape.join(",") });
}

const trial = (
  name: string,
  shape: Shape,
  law: TrialInput["law"],
): Trial<UnpackF16Attributes> => ({
  name,
  inputs: [{ type: i32(Math.ceil(sizeOf(shape) / 2)), law }],
  attributes: { shape: shape.join(",") },
  tolerance: 0, // exact
  gradientTolerance: false,
});

/** Two finite halves: an exponent field of 31 is cleared to 30. */
const finiteWord = (_: number, draw: number): number => {
  const word = Math.floor(draw * 2 ** 32);
  const full = (half: number): number => ((half >> 10) & 31) === 31 ? half ^ 0x400 : half;
  return (full(word >>> 16) << 16) | full(word & 0xffff);
};

export const op: Op<UnpackF16Attributes> = {
  name: "unpack_f16",
  signature: {
    doc: "Numbers from halves, two to a word",
    inputs: [{ name: "words", doc: "(ceil(n / 2)) i32, the earlier element in the lower bits" }],
    outputs: [{ name: "y", doc: "the given shape, n elements" }],
    params: { shape: { doc: "sizes joined by commas" } },
  },
  infer: ([words], { shape: text }) => {
    const shape = text === "" ? [] : text.split(",").map(Number);
    expectShape("the words of unpack_f16", words, i32(Math.ceil(sizeOf(shape) / 2)));
    return [{ shape, dtype: "f32" }];
  },
  reference: (_, { inputs: [words], outputs: [y] }) => {
    for (let i = 0; i < y.length; i++) {
      const word = words[i >> 1];
      y[i] = halfValue(i % 2 === 0 ? word & 0xffff : word >>> 16);
    }
  },
  lower: {
    webgpu: ({ outputs: [y] }) =>
      halfLaunches({
        source,
        shader: "unpack_f16",
        size: sizeOf(y.shape),
        bytesRead: HALF_BYTES,
        bytesWritten: SINGLE_BYTES,
      }),
  },
  cost: ({ inputs: [words], outputs: [y] }) => ({
    flops: 0,
    bytes: 4 * (sizeOf(words.shape) + sizeOf(y.shape)),
  }),
  trials: [
    trial("a scalar", [], [0x3555]),
    trial("no number in the last half", [7, 13], finiteWord),
    trial("one more than a workgroup takes", [513], finiteWord),
    trial("zeros and subnormal numbers", [4], [0x03ff8000 | 0, 0x80010000 | 0]),
  ],
};
