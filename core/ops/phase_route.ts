/**
 * Experts of a row from its place among running quantiles of a phase. docs/mathematics.md §6.
 *
 * Symbols
 *   knots  quantiles k_1 <= … <= k_{2E-1} at levels j / (2E): centres of E equally likely bins and edges between
 *   F      distribution function, linear between knots; where knots coincide, the middle of their levels
 *   x      E F(phase) - 1/2, clamped to [0, E - 1]: bin e has its centre at x = e
 */
import source from "../../shaders/phase_route.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, stopped, type Trial } from "../graph/op.ts";
import { expectRank, f32, formatShape, i32, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { phaseRouteVjp } from "./phase_route_vjp.ts";
import { placeAmongKnots, trialKnots } from "./place_among_knots.ts";

export interface PhaseRouteAttributes extends Attributes {
  /** Experts per row: 2, the bins whose centres enclose x, or 1, the bin that holds it. */
  readonly k: number;
}

export interface PhaseRoute {
  /** (rows, k) i32, ascending in a row. */
  readonly indices: Tensor;
  /** (rows, k): 1 minus the distance of x from the centre; two of them sum to 1. */
  readonly weights: Tensor;
}

/**
 * phases (rows), knots (2E - 1) ascending → indices (rows, k), weights (rows, k). Weights have a gradient by the
 * phase, none by the knots; it is 0 at a knot, outside all knots and between knots closer than 2^-18, which
 * rounding of the phase could not tell apart. A NaN phase gives NaN weights and valid indices.
 *
 * @throws {ShapeError} If the number of knots is even, or k is not 1 or 2, or k is larger than E
 */
export function phaseRoute(
  phases: Tensor,
  options: { readonly knots: Tensor; readonly k: number },
): PhaseRoute {
  const [indices, weights] = applyAll(op, [phases, options.knots], { k: options.k });
  return { indices, weights };
}

function expectOperands([phases, knots]: readonly TensorType[], k: number): void {
  expectRank("the phases of phase_route", phases, { rank: 1 });
  expectRank("the knots of phase_route", knots, { rank: 1 });
  const experts = (knots.shape[0] + 1) / 2;
  if (!Number.isInteger(experts) || (k !== 1 && k !== 2) || k > experts) {
    throw new ShapeError(
      `Cannot route to ${k} of the experts of knots ${formatShape(knots.shape)}: ` +
        "expected 2 E - 1 knots for E experts, and 1 or 2 experts per row, at most E",
    );
  }
}

const trial = (
  name: string,
  [rows, experts, k]: readonly [number, number, number],
  law: Trial["inputs"][0]["law"] = (_, u) => 6 * u - 3,
): Trial<PhaseRouteAttributes> => ({
  name,
  inputs: [
    { type: f32(rows), law },
    { type: f32(2 * experts - 1), law: trialKnots(experts) },
  ],
  attributes: { k },
  tolerance: 4e-6, // a quotient of differences, times up to 8 experts
  gradientTolerance: false, // none by the knots; the one by the phases has a test of its own
});

/** Found by the loop over all ops. */
export const op: Op<PhaseRouteAttributes> = {
  name: "phase_route",
  signature: {
    doc: "Experts of a row from its place among running quantiles of a phase",
    inputs: [
      { name: "phases", doc: "(rows)" },
      { name: "knots", doc: "(2 E - 1) ascending, quantiles at levels j / (2 E)" },
    ],
    outputs: [
      { name: "indices", doc: "(rows, k) i32, experts" },
      { name: "weights", doc: "(rows, k), 1 minus the distance from the bin's centre" },
    ],
    params: { k: { default: 2, doc: "experts per row, 1 or 2" } },
  },
  infer: (types, { k }) => {
    expectOperands(types, k);
    const [rows] = types[0].shape;
    return [i32(rows, k), f32(rows, k)];
  },
  vjp: ({ inputs: [phases, knots], cotangents: [, dweights], needs }) => {
    if (!dweights) return [];
    return [needs[0] ? phaseRouteVjp(phases, { knots, dweights }) : stopped, stopped];
  },
  reference: ({ attributes: { k } }, { inputs: [phases, knots], outputs: [indices, weights] }) => {
    const experts = (knots.length + 1) / 2;
    phases.forEach((phase, row) => {
      const x = placeAmongKnots(phase, knots);
      const first = k === 1
        ? Math.min(Math.floor(x + 0.5), experts - 1)
        : Math.min(Math.floor(x), experts - 2);
      for (let n = 0; n < k; n++) {
        indices[row * k + n] = first + n;
        weights[row * k + n] = Number.isNaN(phase) ? NaN : 1 - Math.abs(x - first - n);
      }
    });
  },
  keepsF32: true,
  lower: {
    webgpu: ({ inputs: [phases, knots], attributes: { k } }) => [dispatchThreads({
      source,
      shader: "phase_route",
      threads: phases.shape[0],
      overrides: { KNOTS: knots.shape[0], EXPERTS: (knots.shape[0] + 1) / 2, K: k },
      bindings: [input(0), input(1), output(0), output(1)],
    })],
  },
  cost: ({ inputs: [{ shape: [rows] }, knots], attributes: { k } }) => ({
    flops: 2 * rows * knots.shape[0],
    bytes: 4 * rows * (1 + 2 * k) + 4 * knots.shape[0],
  }),
  trials: [
    trial("one expert", [3, 1, 1]),
    trial("two of two", [67, 2, 2]),
    trial("one of three", [131, 3, 1]),
    trial("two of eight", [257, 8, 2]),
    trial("two of a prime", [65, 13, 2]),
    trial("phases at knots", [7, 4, 2], trialKnots(4)),
    trial("phases beyond all knots", [4, 5, 2], [-3.1, -2.5, 2.5, 3.1]),
  ],
};
