/** Tokens sorted by the group they belong to: a stable counting sort without atomics. */
import source from "../../shaders/group_tokens.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Attributes,
  type Binding,
  type Dispatch,
  input,
  type Op,
  output,
  scratch,
  type Site,
  type Trial,
} from "../graph/op.ts";
import { expectRank, i32, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

export interface GroupTokensAttributes extends Attributes {
  /** Number of groups, at least 1. */
  readonly groups: number;
}

/** Tokens in the order of their groups. */
export interface TokenGroups {
  /** (groups + 1) i32: the slots of group g are start[g] … start[g + 1] - 1. */
  readonly start: Tensor;
  /** (tokens) i32: the token in each slot; tokens of one group keep their order. */
  readonly order: Tensor;
  /** (tokens) i32: the slot of each token, the inverse of `order`. */
  readonly rank: Tensor;
}

/** ids (tokens) i32 → their groups. An id outside [0, groups) counts as the nearest group. */
export function groupTokens(ids: Tensor, options: GroupTokensAttributes): TokenGroups {
  const [start, order, rank] = applyAll(op, [ids], { groups: options.groups });
  return { start, order, rank };
}

/** What `groupTokens` computes, by definition: tokens sorted by (id, index). */
export function sortedGroups(ids: readonly number[], groups: number): {
  readonly start: readonly number[];
  readonly order: readonly number[];
  readonly rank: readonly number[];
} {
  const groupOf = (token: number): number => Math.min(Math.max(ids[token], 0), groups - 1);
  const order = ids.map((_, token) => token).sort((a, b) => groupOf(a) - groupOf(b) || a - b);
  const rank = new Array<number>(ids.length);
  order.forEach((token, slot) => rank[token] = slot);
  const start = new Array<number>(groups + 1).fill(0);
  ids.forEach((_, token) => start[groupOf(token) + 1]++);
  for (let g = 0; g < groups; g++) start[g + 1] += start[g];
  return { start, order, rank };
}

/** Slots that one invocation walks, and digits of a pass: both bound its work and the table of counts. */
const BLOCK = 256;
const RADIX = 256;

/** Digits and shift of each pass over an id. */
function passesOf(groups: number): readonly { readonly shift: number; readonly digits: number }[] {
  const passes = [{ shift: 0, digits: Math.min(groups, RADIX) }];
  for (let rest = Math.ceil(groups / RADIX); rest > 1; rest = Math.ceil(rest / RADIX)) {
    passes.push({ shift: 8 * passes.length, digits: Math.min(rest, RADIX) });
  }
  return passes;
}

function scratchOf({ inputs: [ids], attributes }: Site<GroupTokensAttributes>): TensorType[] {
  const passes = passesOf(attributes.groups);
  const counts = i32(Math.ceil(ids.shape[0] / BLOCK) * passes[0].digits);
  return passes.length > 1 ? [counts, ids, ids] : [counts, ids];
}

function lower({ inputs: [ids], attributes: { groups } }: Site<GroupTokensAttributes>): Dispatch[] {
  const [tokens] = ids.shape;
  const blocks = Math.ceil(tokens / BLOCK);
  const passes = passesOf(groups);
  const launch = (
    entryPoint: string,
    [threads, pass]: readonly [number, number],
    bindings: readonly Binding[],
  ): Dispatch => {
    const { digits, shift } = passes[pass];
    const overrides = { TOKENS: tokens, GROUPS: groups, DIGITS: digits, SHIFT: shift, BLOCK };
    return dispatchThreads({
      source,
      shader: "group_tokens",
      entryPoint,
      threads,
      overrides,
      bindings,
    });
  };
  // Passes read scratch 1 and 2 in turn; the last one writes the output.
  const turns = passes.flatMap(({ digits }, pass) => {
    const from = scratch(1 + (pass % 2));
    const to = pass === passes.length - 1 ? output(1) : scratch(1 + ((pass + 1) % 2));
    return [
      launch("count", [blocks * digits, pass], [input(0), from, scratch(0)]),
      { ...launch("scan", [blocks, pass], [scratch(0)]), workgroups: 1 },
      launch("place", [blocks * digits, pass], [input(0), from, scratch(0), to]),
    ];
  });
  const last = Math.max(tokens, groups + 1);
  return [
    launch("begin", [tokens, 0], [scratch(1)]),
    ...turns,
    launch("finish", [last, 0], [input(0), output(1), output(0), output(2)]),
  ];
}

const trial = (
  name: string,
  [tokens, groups]: readonly [number, number],
  law: (index: number, draw: number) => number = (_, u) => Math.floor(u * groups),
): Trial<GroupTokensAttributes> => ({
  name,
  inputs: [{ type: i32(tokens), law }],
  attributes: { groups },
  tolerance: 0, // integers
  gradientTolerance: false,
});

export const op: Op<GroupTokensAttributes> = {
  name: "group_tokens",
  signature: {
    doc: "Tokens sorted by the group they belong to; equal ids keep their order",
    inputs: [{ name: "ids", doc: "(tokens) i32" }],
    outputs: [
      { name: "start", doc: "(groups + 1) i32, first slot of each group" },
      { name: "order", doc: "(tokens) i32, the token in each slot" },
      { name: "rank", doc: "(tokens) i32, the slot of each token" },
    ],
    params: { groups: { doc: "number of groups" } },
  },
  infer: ([ids], { groups }) => {
    expectRank("ids of group_tokens", ids, { rank: 1, dtype: "i32" });
    if (!Number.isInteger(groups) || groups < 1) {
      throw new ShapeError(`Cannot group tokens: expected an integer groups >= 1, got ${groups}`);
    }
    return [i32(groups + 1), ids, ids];
  },
  reference: ({ attributes: { groups } }, { inputs: [ids], outputs: [start, order, rank] }) => {
    const sorted = sortedGroups(Array.from(ids), groups);
    start.set(sorted.start);
    order.set(sorted.order);
    rank.set(sorted.rank);
  },
  scratch: scratchOf,
  lower: { webgpu: lower },
  cost: ({ inputs: [{ shape: [tokens] }], attributes: { groups } }) => ({
    flops: 0,
    bytes: 4 * (3 * tokens + groups + 1),
  }),
  trials: [
    trial("one token", [1, 1]),
    trial("primes", [67, 13]),
    trial("one below a block", [255, 4]),
    trial("a whole block of one group", [256, 3], () => 1),
    trial("one beyond a block, falling ids", [257, 257], (i) => 256 - i),
    trial("empty groups at both ends", [131, 9], (i) => 3 + (i % 3)),
    trial("bytes", [2049, 256]),
    trial("ids outside the groups", [40, 5], (i) => i % 9 - 2),
    trial("two passes", [1031, 50257], (_, u) => Math.floor(u * u * 50257)),
    trial("three passes", [300, 70001]),
  ],
};
