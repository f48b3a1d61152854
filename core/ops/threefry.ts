/** Random bits on the device, the same as core/random/threefry.ts gives. docs/mathematics.md §9. */
import source from "../../shaders/threefry.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
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
import { threefry2x32, type Words } from "../random/threefry.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

export interface ThreefryAttributes extends Attributes {
  /** Two unsigned 32-bit words. */
  readonly key_0: number;
  readonly key_1: number;
  /** Sizes joined by commas; empty for a scalar. */
  readonly shape: string;
}

/** What is drawn: which stream, and how many values. */
export interface Draw {
  readonly stream: Stream;
  readonly shape: Shape;
}

/**
 * step (1) i32 → words of `shape`, as i32 with the same bits: element i in row-major order is the word at
 * position (step, i) of the stream. A mask compares them, so a dropped element is dropped on every adapter.
 */
export function threefry(step: Tensor, draw: Draw): Tensor {
  return apply(op, [step], threefryAttributes(draw));
}

export function threefryAttributes({ stream, shape }: Draw): ThreefryAttributes {
  const [key_0, key_1] = stream.key;
  return { key_0, key_1, shape: shape.join(",") };
}

/** Sizes of the output. @throws {ShapeError} If the step is no i32 of one element, or a key no 32-bit word */
export function threefryShape(
  [step]: readonly TensorType[],
  attributes: ThreefryAttributes,
): Shape {
  expectShape("the step of threefry", step, i32(1));
  for (const word of [attributes.key_0, attributes.key_1]) {
    if (!Number.isInteger(word) || word < 0 || word > 0xffffffff) {
      throw new ShapeError(
        `Cannot use ${word} in the key of threefry: expected an integer in 0..4294967295`,
      );
    }
  }
  return attributes.shape === "" ? [] : attributes.shape.split(",").map(Number);
}

/** First words of the blocks at (step, 0), (step, 1), ..., unsigned. */
export function threefryWords(step: number, options: {
  readonly attributes: ThreefryAttributes;
  readonly count: number;
}): readonly number[] {
  const key: Words = [options.attributes.key_0, options.attributes.key_1];
  return Array.from({ length: options.count }, (_, i) => threefry2x32(key, [step >>> 0, i])[0]);
}

export function threefryDispatch(text: string, launch: {
  readonly entryPoint: string;
  readonly attributes: ThreefryAttributes;
  readonly type: TensorType;
}): Dispatch {
  return dispatchThreads({
    source: text,
    shader: "threefry",
    entryPoint: launch.entryPoint,
    threads: sizeOf(launch.type.shape),
    overrides: { KEY_0: launch.attributes.key_0, KEY_1: launch.attributes.key_1 },
    bindings: [input(0), output(0)],
  });
}

export const threefryParameters: Signature<ThreefryAttributes>["params"] = {
  key_0: { doc: "first word of the key, 0 to 4294967295" },
  key_1: { doc: "second word of the key" },
  shape: { doc: "sizes joined by commas" },
};

/** Cases for words and for numbers made of them. */
export function threefryTrials(): readonly Trial<ThreefryAttributes>[] {
  const trial = (
    name: string,
    step: number,
    attributes: ThreefryAttributes,
  ): Trial<ThreefryAttributes> => ({
    name,
    inputs: [{ type: i32(1), law: [step] }],
    attributes,
    tolerance: 0, // integers
    gradientTolerance: false,
  });
  return [
    trial("zeros", 0, { key_0: 0, key_1: 0, shape: "1" }),
    trial("ones in the counter and the key", -1, {
      key_0: 0xffffffff,
      key_1: 0xffffffff,
      shape: "7,13",
    }),
    trial("more than one launch row", 37, {
      key_0: 0x13198a2e,
      key_1: 0x03707344,
      shape: "3,5,67",
    }),
  ];
}

export const op: Op<ThreefryAttributes> = {
  name: "threefry",
  signature: {
    doc: "Random 32-bit words of a keyed counter, as i32",
    inputs: [{ name: "step", doc: "(1) i32, first word of the counter" }],
    outputs: [{ name: "words", doc: "i32 of the given shape" }],
    params: threefryParameters,
  },
  infer: (types, attributes) => [i32(...threefryShape(types, attributes))],
  reference: ({ attributes }, { inputs: [step], outputs: [words] }) => {
    const found = threefryWords(step[0], { attributes, count: words.length });
    found.forEach((word, i) => words[i] = word | 0);
  },
  lower: {
    webgpu: ({ outputs: [type], attributes }) => [
      threefryDispatch(source, { entryPoint: "words", attributes, type }),
    ],
  },
  cost: ({ outputs: [words] }) => ({ flops: 0, bytes: 4 * sizeOf(words.shape) }),
  trials: threefryTrials(),
};
