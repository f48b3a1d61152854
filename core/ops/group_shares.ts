/** The share of all tokens that each group has. */
import source from "../../shaders/group_shares.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { input, type Op, output, stopped, type Trial } from "../graph/op.ts";
import { expectRank, f32, formatShape, i32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

/**
 * start (groups + 1) i32 of `groupTokens`, of at least one token → shares (groups), which sum to 1. Counts are
 * piecewise constant: no gradient goes through.
 */
export function groupShares(start: Tensor): Tensor {
  return apply(op, [start], {});
}

const trial = (name: string, starts: readonly number[]): Trial => ({
  name,
  inputs: [{ type: i32(starts.length), law: starts }],
  attributes: {},
  tolerance: 1.2e-7, // one division
  gradientTolerance: false,
});

/** Found by the loop over all ops. */
export const op: Op = {
  name: "group_shares",
  signature: {
    doc: "The share of all tokens that each group has",
    inputs: [{ name: "start", doc: "(groups + 1) i32, first slot of each group" }],
    outputs: [{ name: "shares", doc: "(groups), sum 1" }],
    params: {},
  },
  infer: ([start]) => {
    expectRank("start of group_shares", start, { rank: 1, dtype: "i32" });
    if (start.shape[0] < 2) {
      throw new ShapeError(
        `Cannot take shares of ${formatShape(start.shape)} starts: expected groups + 1 >= 2`,
      );
    }
    return [f32(start.shape[0] - 1)];
  },
  vjp: () => [stopped],
  reference: (_, { inputs: [start], outputs: [shares] }) => {
    shares.forEach((_, g) => shares[g] = (start[g + 1] - start[g]) / start[start.length - 1]);
  },
  lower: {
    webgpu: ({ outputs: [shares] }) => [dispatchThreads({
      source,
      shader: "group_shares",
      threads: shares.shape[0],
      bindings: [input(0), output(0)],
    })],
  },
  cost: ({ outputs: [{ shape: [groups] }] }) => ({ flops: 2 * groups, bytes: 8 * groups }),
  trials: [
    trial("one group", [0, 5]),
    trial("empty groups", [0, 0, 3, 3, 7, 7]),
    trial("more than a workgroup", Array.from({ length: 68 }, (_, g) => g * g)),
  ],
};
