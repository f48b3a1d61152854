/** Random bits on the device, the same as core/random/threefry.ts gives. docs/mathematics.md §9. */
import source from "../../shaders/threefry.wgsl" with { type: "text" };
import {
  type Attributes,
  type Dispatch,
  input,
  type Op,
  output,
  type Signature,
  type Trial,
} from "../graph/op.ts";
import { expectShape, i32, type Shape, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import type { Stream } from "../random/streams.ts";
import { threefry2x32 } from "../random/threefry.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

export interface ThreefryAttributes extends Attributes {
  /** Sizes joined by commas; empty for a scalar. */
  readonly shape: string;
}

/**
 * position (3) i32 → words of `shape`, as i32 with the same bits: element i in row-major order is the word at
 * position (step, i) of the stream; `position` is what `streamPosition` gives. A mask compares the words, so a
 * dropped element is dropped on every adapter.
 */
export function threefry(position: Tensor, shape: Shape): Tensor {
  return apply(op, [position], { shape: shape.join(",") });
}

/**
 * Both words of a stream's key, then the step: the operand of `threefry`. It is uploaded with a step's inputs,
 * so that a plan depends on no seed.
 */
export function streamPosition(from: Stream, step: number): Int32Array {
  return Int32Array.of(from.key[0] | 0, from.key[1] | 0, step | 0);
}

/** Sizes of the output. @throws {ShapeError} If the position is not i32 (3) */
export function threefryShape(
  [position]: readonly TensorType[],
  attributes: ThreefryAttributes,
): Shape {
  expectShape("the position of threefry", position, i32(3));
  return attributes.shape === "" ? [] : attributes.shape.split(",").map(Number);
}

/** First words of the blocks at (step, 0), (step, 1), ..., unsigned. */
export function threefryWords(
  [key0, key1, step]: Float64Array,
  count: number,
): readonly number[] {
  return Array.from(
    { length: count },
    (_, i) => threefry2x32([key0 >>> 0, key1 >>> 0], [step >>> 0, i])[0],
  );
}

export function threefryDispatch(text: string, launch: {
  readonly entryPoint: string;
  readonly type: TensorType;
}): Dispatch {
  return dispatchThreads({
    source: text,
    shader: "threefry",
    entryPoint: launch.entryPoint,
    threads: sizeOf(launch.type.shape),
    bindings: [input(0), output(0)],
  });
}

export const threefryInputs: Signature["inputs"] = [
  { name: "position", doc: "(3) i32: both words of the key, then the step" },
];

export const threefryParameters: Signature<ThreefryAttributes>["params"] = {
  shape: { doc: "sizes joined by commas" },
};

/** Cases for words and for numbers made of them. */
export function threefryTrials(): readonly Trial<ThreefryAttributes>[] {
  const trial = (
    name: string,
    position: readonly [number, number, number],
    shape: string,
  ): Trial<ThreefryAttributes> => ({
    name,
    inputs: [{ type: i32(3), law: position }],
    attributes: { shape },
    tolerance: 0, // integers
    gradientTolerance: false,
  });
  return [
    trial("zeros", [0, 0, 0], "1"),
    trial("ones in the counter and the key", [-1, -1, -1], "7,13"),
    trial("more than one launch row", [0x13198a2e, 0x03707344, 37], "3,5,67"),
  ];
}

export const op: Op<ThreefryAttributes> = {
  name: "threefry",
  signature: {
    doc: "Random 32-bit words of a keyed counter, as i32",
    inputs: threefryInputs,
    outputs: [{ name: "words", doc: "i32 of the given shape" }],
    params: threefryParameters,
  },
  infer: (types, attributes) => [i32(...threefryShape(types, attributes))],
  reference: (_, { inputs: [position], outputs: [words] }) => {
    threefryWords(position, words.length).forEach((word, i) => words[i] = word | 0);
  },
  lower: {
    webgpu: ({ outputs: [type] }) => [threefryDispatch(source, { entryPoint: "words", type })],
  },
  cost: ({ outputs: [words] }) => ({ flops: 0, bytes: 4 * sizeOf(words.shape) }),
  trials: threefryTrials(),
};
