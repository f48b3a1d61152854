/** A choice of experts in a segment that is computed again from values in half precision. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { phaseRoute } from "../../../core/ops/phase_route.ts";
import { scale } from "../../../core/ops/scale.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { type GradientOptions, gradientsOf } from "../../../core/plan/differentiate.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const ROWS = 4096; // fewer would not be packed
/** As a half it is 0.25, and 2 phase^2 / PHASE is then beyond the third knot, 0.5, and not before it. */
const PHASE = 0.249975;
/** E = 3. Twice PHASE lies 0.9999 of the way from the second to the third. */
const KNOTS = [-0.5, 0, 0.5, 1, 2];

interface Gradients {
  /** (ROWS, k), the weights themselves. */
  readonly byFactor: Float64Array;
  /** (ROWS), what falls back on the phase. */
  readonly byPhase: Float64Array;
  readonly packs: number;
}

/** Gradients of sum(cotangent weights(2 phase^2 / PHASE) factor) at phase = PHASE. */
async function gradientsOn(on: Backend, k: number, options: GradientOptions): Promise<Gradients> {
  const graph = new Graph();
  const [x, factor] = [graph.input("x", f32(ROWS)), graph.input("factor", f32(ROWS, k))];
  const knots = graph.input("knots", f32(5));
  const cotangent = graph.input("cotangent", f32(ROWS, k));
  const phase = scale(x, 0.5);
  const result = graph.segment("block", () => {
    const { weights } = phaseRoute(scale(multiply(phase, phase), 2 / PHASE), { knots, k });
    return multiply(scale(weights, 1), factor);
  });
  const wanted = gradientsOf([{ tensor: result, cotangent }], [factor, phase], options);
  graph.output("factor_gradient", wanted[0]);
  graph.output("phase_gradient", wanted[1]);
  const plan = compilePlan(graph);
  const program = await on.compile(plan);
  program.step({
    x: new Float32Array(ROWS).fill(2 * PHASE),
    factor: Float32Array.from({ length: ROWS * k }, (_, i) => 1 + i % k),
    knots: Float32Array.from(KNOTS),
    cotangent: new Float32Array(ROWS * k).fill(1),
  });
  const found = {
    byFactor: await program.read("factor_gradient"),
    byPhase: await program.read("phase_gradient"),
    packs: plan.steps.filter(({ op }) => op.name === "pack_f16").length,
  };
  program.destroy();
  return found;
}

for (const k of [1, 2]) {
  Deno.test(`gradientsOf() keeps weights and indices of one choice together, computed again from halves, K = ${k}`, async () => {
    for (const on of [backend, referenceBackend({ precision: "f64" })]) {
      const want = await gradientsOn(on, k, {});
      const got = await gradientsOn(on, k, { recompute: true, storage: "f16" });
      assertEquals(got.packs > 0, true); // else nothing is rounded and nothing shown
      assertEquals(got.byFactor, want.byFactor);
      // By hand: x = (1 + 0.9999) / 2, so that the second of bins 0 and 1 has nearly all of the weight.
      const weights = k === 1 ? [0.99995] : [0.00005, 0.99995];
      weights.forEach((weight, i) => assert(Math.abs(want.byFactor[i] - weight) <= 1e-5));
      // x rises by 1 per unit between these knots, and 2 phase^2 / PHASE by 4.
      for (const { byPhase } of [want, got]) assert(Math.abs(byPhase[0] - 4) <= 0.01);
    }
  });
}
