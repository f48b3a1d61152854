/**
 * Running quantiles of the phases that a router sees. docs/mathematics.md §6.
 *
 * Sources
 *   [1] Robbins and Monro, "A stochastic approximation method" (1951).
 * Symbols
 *   k_j   knot j = 1 … m, the running quantile at level j / (m + 1)
 *   t     updates done before
 *   rate  1 for the first updates, then 1 / n with n counted from there, never below RATE
 * Departures
 *   A step of [1] moves a quantile by the error of its level, which needs the scale of the values. Here the step
 *   goes to where the line through the batch's counts at the knots reaches the level: the same fixed point,
 *   and a refinement of the knots at a rate of 1. One sort-free pass over the batch.
 */
import source from "../../shaders/phase_quantiles.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Binding,
  type Dispatch,
  input,
  type Op,
  output,
  scratch,
  type Site,
  type Trial,
} from "../graph/op.ts";
import { expectRank, expectShape, f32, formatShape, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { trialKnots } from "./place_among_knots.ts";

/** Updates at a rate of 1, in which knots that start anywhere find the batch. */
const FAST_UPDATES = 8;
/** Smallest rate: about five batches are remembered, so that knots follow a potential that learns. */
const RATE = 0.2;
/** Phases that one invocation counts. */
const BLOCK = 256;

export interface PhaseQuantiles {
  /** (m), ascending. */
  readonly knots: Tensor;
  /** (1) */
  readonly updates: Tensor;
}

/**
 * phases (rows), knots (m) ascending, updates (1) → the knots and the number of updates after this batch. Knots
 * stay ascending. No gradient.
 *
 * @throws {ShapeError} If the shapes do not belong together, or there are no phases
 */
export function phaseQuantiles(phases: Tensor, before: PhaseQuantiles): PhaseQuantiles {
  const [knots, updates] = applyAll(op, [phases, before.knots, before.updates], {});
  return { knots, updates };
}

function expectOperands([phases, knots, updates]: readonly TensorType[]): void {
  expectRank("phases of phase_quantiles", phases, { rank: 1 });
  expectRank("knots of phase_quantiles", knots, { rank: 1 });
  expectShape("updates of phase_quantiles", updates, f32(1));
  if (phases.shape[0] < 1 || knots.shape[0] < 1) {
    throw new ShapeError(
      `Cannot take quantiles ${formatShape(knots.shape)} of phases ${formatShape(phases.shape)}: ` +
        "expected at least one of each",
    );
  }
}

/** Where the line through (knot, share below) and (knot, share up to) reaches a level. */
function quantileByCounts(
  phases: readonly number[],
  knots: readonly number[],
  level: number,
): number {
  const least = Math.min(...phases);
  const largest = Math.max(...phases);
  const points: (readonly [number, number])[] = [[least, 0]];
  for (const knot of knots) {
    const x = Math.min(Math.max(knot, least), largest);
    points.push([x, phases.filter((phase) => phase < knot).length / phases.length]);
    points.push([x, phases.filter((phase) => phase <= knot).length / phases.length]);
  }
  points.push([largest, 1]);
  const after = points.findIndex(([, share]) => share >= level - 1e-12);
  const [x1, y1] = points[after];
  if (after === 0 || y1 - level <= 1e-12) return x1;
  const [x0, y0] = points[after - 1];
  return x0 + (x1 - x0) * (level - y0) / (y1 - y0);
}

function lower({ inputs: [{ shape: [rows] }, { shape: [knots] }] }: Site): readonly Dispatch[] {
  const blocks = Math.ceil(rows / BLOCK);
  const overrides = { ROWS: rows, KNOTS: knots, BLOCK, BLOCKS: blocks };
  const launch = (
    entryPoint: string,
    threads: number,
    bindings: readonly Binding[],
  ): Dispatch =>
    dispatchThreads({
      source,
      shader: "phase_quantiles",
      entryPoint,
      threads,
      overrides: { ...overrides, FAST: FAST_UPDATES, RATE },
      bindings,
    });
  return [
    launch("count", blocks * (knots + 1), [input(0), input(1), scratch(0)]),
    launch("total", knots + 1, [scratch(0), scratch(1)]),
    launch("advance", knots, [scratch(1), input(1), input(2), output(0), output(1)]),
  ];
}

const trial = (
  name: string,
  [rows, experts, updates]: readonly [number, number, number],
  law: Trial["inputs"][0]["law"] = (_, u) => 3 * u * u - 1,
): Trial => ({
  name,
  inputs: [
    { type: f32(rows), law },
    { type: f32(2 * experts - 1), law: trialKnots(experts) },
    { type: f32(1), law: [updates] },
  ],
  attributes: {},
  tolerance: 2e-6, // a dozen roundings
  gradientTolerance: false,
});

/** Found by the loop over all ops. */
export const op: Op = {
  name: "phase_quantiles",
  signature: {
    doc: "One update of running quantiles from a batch",
    inputs: [
      { name: "phases", doc: "(rows)" },
      { name: "knots", doc: "(m) ascending, quantiles at levels j / (m + 1)" },
      { name: "updates", doc: "(1), updates done before", minimum: 0 },
    ],
    outputs: [
      { name: "next_knots", doc: "(m) ascending" },
      { name: "next_updates", doc: "(1)" },
    ],
    params: {},
  },
  infer: (types) => {
    expectOperands(types);
    return [types[1], types[2]];
  },
  reference: (_, { inputs: [phases, knots, [done]], outputs: [next, updates] }) => {
    const rate = Math.max(RATE, 1 / Math.max(1, done - FAST_UPDATES + 1));
    const [batch, old] = [Array.from(phases), Array.from(knots)];
    old.forEach((knot, j) => {
      const place = quantileByCounts(batch, old, (j + 1) / (old.length + 1));
      next[j] = (1 - rate) * knot + rate * place;
    });
    updates[0] = done + 1;
  },
  scratch: ({ inputs: [{ shape: [rows] }, { shape: [knots] }] }) => [
    f32(Math.ceil(rows / BLOCK), knots + 1, 2),
    f32(knots + 1, 2),
  ],
  lower: { webgpu: lower },
  rounds: ({ inputs: [{ shape: [rows] }, { shape: [knots] }] }) =>
    Math.max(Math.ceil(rows / BLOCK), BLOCK, knots),
  cost: ({ inputs: [{ shape: [rows] }, { shape: [knots] }] }) => ({
    flops: 4 * rows * knots,
    bytes: 4 * (rows + 2 * knots + 2),
  }),
  trials: [
    trial("one phase, one knot", [1, 1, 0]),
    trial("the first update", [131, 4, 0]),
    trial("averaging", [513, 8, 12]),
    trial("the smallest rate", [257, 3, 1000]),
    trial("equal phases", [65, 4, 3], () => 0.25),
    trial("few values, many ties", [100, 4, 0], (_, u) => Math.floor(5 * u) / 4 - 0.5),
    trial("all phases beyond the knots", [67, 2, 0], (_, u) => 2.5 + u / 2),
  ],
};
