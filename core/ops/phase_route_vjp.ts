/** Backward pass of phase_route. */
import source from "../../shaders/phase_route.wgsl" with { type: "text" };
import { input, type Op, output, type Trial } from "../graph/op.ts";
import { expectRank, f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { placeAmongKnots, trialKnots } from "./place_among_knots.ts";

/** Radians. Phases are off by up to 5e-7 each; knots closer than a few times that give no direction. */
export const MIN_KNOT_WIDTH = 2 ** -18;

/** phases (rows), knots (2E - 1), dweights (rows, k) → gradient by the phases (rows). */
export function phaseRouteVjp(
  phases: Tensor,
  options: { readonly knots: Tensor; readonly dweights: Tensor },
): Tensor {
  return apply(op, [phases, options.knots, options.dweights], {});
}

/** dx/dphase by definition: 1/2 over the width of the step that holds the phase. */
function slopeAt(phase: number, knots: Float64Array): number {
  const after = knots.findIndex((knot) => knot >= phase);
  if (after <= 0 || knots[after] === phase) return 0;
  const width = knots[after] - knots[after - 1];
  return width > MIN_KNOT_WIDTH ? 0.5 / width : 0;
}

const trial = (
  name: string,
  [rows, experts, k]: readonly [number, number, number],
  phases: Trial["inputs"][0]["law"] = (_, u) => 6 * u - 3,
): Trial => ({
  name,
  inputs: [
    { type: f32(rows), law: phases },
    { type: f32(2 * experts - 1), law: trialKnots(experts) },
    { type: f32(rows, k), law: "normal" },
  ],
  attributes: {},
  tolerance: 5e-6, // a difference of two weights over the width of a step
  gradientTolerance: false,
});

/** Found by the loop over all ops. */
export const op: Op = {
  name: "phase_route_vjp",
  signature: {
    doc: "Backward pass of phase_route",
    inputs: [
      { name: "phases", doc: "(rows)" },
      { name: "knots", doc: "(2 E - 1) ascending" },
      { name: "dweights", doc: "(rows, k), k 1 or 2" },
    ],
    outputs: [{ name: "dphases", doc: "(rows)" }],
    params: {},
  },
  infer: ([phases, knots, dweights]) => {
    expectRank("phases of phase_route_vjp", phases, { rank: 1 });
    expectRank("knots of phase_route_vjp", knots, { rank: 1 });
    expectRank("dweights of phase_route_vjp", dweights, { rank: 2 });
    return [phases];
  },
  reference: (
    { inputs: [, , { shape: [, k] }] },
    { inputs: [phases, knots, dweights], outputs: [dphases] },
  ) => {
    phases.forEach((phase, row) => {
      const x = placeAmongKnots(phase, knots);
      const dx = k === 2
        ? dweights[2 * row + 1] - dweights[2 * row]
        : Math.floor(x + 0.5) < x
        ? -dweights[row]
        : dweights[row];
      dphases[row] = slopeAt(phase, knots) * dx;
    });
  },
  lower: {
    webgpu: ({ inputs: [phases, knots, dweights] }) => [dispatchThreads({
      source,
      shader: "phase_route",
      entryPoint: "backward",
      threads: phases.shape[0],
      overrides: {
        KNOTS: knots.shape[0],
        EXPERTS: (knots.shape[0] + 1) / 2,
        K: dweights.shape[1],
        MIN_WIDTH: MIN_KNOT_WIDTH,
      },
      bindings: [input(0), input(1), input(2), output(0)],
    })],
  },
  cost: ({ inputs: [{ shape: [rows] }, knots, dweights] }) => ({
    flops: 2 * rows * knots.shape[0],
    bytes: 4 * (rows * (2 + dweights.shape[1]) + knots.shape[0]),
  }),
  trials: [
    trial("one expert", [3, 1, 1]),
    trial("two of two", [67, 2, 2]),
    trial("one of three", [131, 3, 1]),
    trial("two of eight", [257, 8, 2]),
    trial("phases at knots", [7, 4, 2], trialKnots(4)),
  ],
};
