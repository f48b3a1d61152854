/** Which targets count: 1, or 0 where the target is the mark for "no target". */
import source from "../../shaders/target_mask.wgsl" with { type: "text" };
import { type Attributes, input, type Op, output, stopped, type Trial } from "../graph/op.ts";
import { expectRank, f32, i32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

/** Target of a row that has none, as in PyTorch. */
export const IGNORED_TARGET = -100;

/** targets (rows) i32 → (rows) f32: 0 where the target is `IGNORED_TARGET`, else 1. */
export function targetMask(targets: Tensor): Tensor {
  return apply(op, [targets], {});
}

const trial = (name: string, rows: number): Trial => ({
  name,
  inputs: [{ type: i32(rows), law: (i, draw) => draw < 0.3 ? IGNORED_TARGET : i - 101 }],
  attributes: {},
  tolerance: 0, // zeros and ones
  gradientTolerance: false,
});

export const op: Op<Attributes> = {
  name: "target_mask",
  signature: {
    doc: "1 where a target counts, 0 where it is -100",
    inputs: [{ name: "targets", doc: "(rows), i32" }],
    outputs: [{ name: "mask", doc: "(rows), f32" }],
    params: {},
  },
  infer: ([targets]) => {
    expectRank("targets", targets, { rank: 1, dtype: "i32" });
    return [f32(...targets.shape)];
  },
  vjp: () => [stopped],
  reference: (_, { inputs: [targets], outputs: [mask] }) => {
    targets.forEach((target, i) => mask[i] = target === IGNORED_TARGET ? 0 : 1);
  },
  lower: {
    webgpu: ({ inputs: [targets] }) => [
      dispatchThreads({
        source,
        shader: "target_mask",
        threads: targets.shape[0],
        overrides: { IGNORED: IGNORED_TARGET },
        bindings: [input(0), output(0)],
      }),
    ],
  },
  cost: ({ inputs: [targets] }) => ({ flops: 0, bytes: 8 * targets.shape[0] }),
  trials: [
    trial("one target", 1),
    trial("a prime number", 67),
    trial("a workgroup and one more", 65),
  ],
};
