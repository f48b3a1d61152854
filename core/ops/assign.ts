/** Overwrites a tensor that outlives the step. */
import source from "../../shaders/assign.wgsl" with { type: "text" };
import { input, type Op, output, type Trial } from "../graph/op.ts";
import { expectShape, f32, i32, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

/** target ← value, of the same shape and element type. Models say `graph.carry`, which comes here in the end. */
export function assign(target: Tensor, value: Tensor): Tensor {
  return apply(op, [target, value], {});
}

const trial = (name: string, type: TensorType): Trial => ({
  name,
  inputs: [
    { type, law: (index) => index },
    { type, law: (index) => 7 - 3 * index },
  ],
  attributes: {},
  tolerance: 0, // bits are copied
  gradientTolerance: false,
});

export const op: Op = {
  name: "assign",
  signature: {
    doc: "Overwrites its first input with the second",
    inputs: [{ name: "target", doc: "any shape" }, { name: "value", doc: "of the same type" }],
    outputs: [{ name: "target", doc: "the value" }],
    params: {},
  },
  infer: ([target, value]) => {
    expectShape("the value of assign", value, target);
    return [target];
  },
  updates: { 0: 0 },
  reference: (_, { inputs: [, value], outputs: [target] }) => target.set(value),
  lower: {
    webgpu: ({ inputs: [target] }) => [
      dispatchThreads({
        source,
        shader: "assign",
        threads: sizeOf(target.shape),
        bindings: [output(0), input(1)],
      }),
    ],
  },
  cost: ({ inputs: [target] }) => ({ flops: 0, bytes: 8 * sizeOf(target.shape) }),
  trials: [
    trial("one element", f32(1)),
    trial("integers", i32(3, 5)),
    trial("more than one workgroup", f32(3, 67)),
  ],
};
