/** phase_route by hand, its gradient by differences, and phase_bins. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { op as binsOp } from "../../../core/ops/phase_bins.ts";
import { op, phaseRoute } from "../../../core/ops/phase_route.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { runOp } from "./_run_op.ts";

const backends = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

/** E = 3: centres -1, 0 and 2, edges -0.5 and 1. */
const KNOTS = [-1, -0.5, 0, 1, 2];

async function route(phases: readonly number[], at: {
  readonly k: number;
  readonly knots?: readonly number[];
}): Promise<readonly (readonly number[])[]> {
  const knots = at.knots ?? KNOTS;
  const given = {
    inputs: [
      { type: f32(phases.length), values: phases },
      { type: f32(knots.length), values: knots },
    ],
    attributes: { k: at.k },
  };
  const [got, want] = [
    await runOp(backends[0], op, given),
    await runOp(backends[1], op, given),
  ];
  assertEquals(got[0], want[0]);
  got[1].forEach((weight, i) => {
    const error = Math.abs(weight - want[1][i]);
    assert(error <= 2e-7 || Number.isNaN(weight) && Number.isNaN(want[1][i]), `off by ${error}`);
  });
  return got;
}

Deno.test("phaseRoute() gives the two bins whose centres enclose the phase, linearly", async () => {
  const phases = [-3, -1, -0.75, -0.5, -0.25, 0, 0.5, 1, 1.5, 2, 3];
  const [indices, weights] = await route(phases, { k: 2 });
  assertEquals(indices, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
  // By hand: half a bin between two knots.
  assertEquals(weights.filter((_, i) => i % 2 === 1), [
    ...[0, 0, 0.25, 0.5, 0.75],
    ...[0, 0.25, 0.5, 0.75, 1, 1],
  ]);
  assertEquals(weights.filter((_, i) => i % 2 === 0), [
    ...[1, 1, 0.75, 0.5, 0.25],
    ...[1, 0.75, 0.5, 0.25, 0, 0],
  ]);
});

Deno.test("phaseRoute() to one expert changes it at the edges, with a weight of at least one half", async () => {
  const phases = [-3, -0.75, -0.5, -0.25, 0, 0.5, 1, 1.5, 2, 3];
  const [indices, weights] = await route(phases, { k: 1 });
  assertEquals(indices, [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  assertEquals(weights, [1, 0.75, 0.5, 0.75, 1, 0.75, 0.5, 0.75, 1, 1]);
});

Deno.test("phaseRoute() sends a phase that all knots equal to the middle", async () => {
  const four = { k: 2, knots: new Array<number>(7).fill(0) };
  assertEquals(await route([0, -1, 1], four), [[1, 2, 0, 1, 2, 3], [0.5, 0.5, 1, 0, 0, 1]]);
  const three = { k: 1, knots: new Array<number>(5).fill(0) };
  assertEquals(await route([0, -1, 1], three), [[1, 0, 2], [1, 1, 1]]);
});

Deno.test("phaseRoute() gives a NaN phase NaN weights and valid experts", async () => {
  for (const k of [1, 2]) {
    const [indices, weights] = await route([NaN], { k });
    assert(indices.every((e) => e >= 0 && e < 3));
    assertEquals(weights, new Array<number>(k).fill(NaN));
  }
});

Deno.test("phaseRoute() has the gradient of its weights by the phase, 0 outside all knots", async () => {
  const phases = [-2, -0.9, -0.3, 0.3, 1.4, 2.5].map(Math.fround);
  const cotangents = [1, -2, 0.5, 3, -1, 0.25, 2, 1, -0.5, 1.5, 0.75, -4];
  for (const k of [1, 2]) {
    const dweights = cotangents.slice(0, k * phases.length);
    const weighed = async (shift: number): Promise<readonly number[]> => {
      const [, weights] = await route(phases.map((phase) => Math.fround(phase + shift)), { k });
      return phases.map((_, r) =>
        weights.slice(r * k, (r + 1) * k).reduce((t, w, n) => t + w * dweights[r * k + n], 0)
      );
    };
    const h = 2 ** -6; // weights are linear between knots, so a large step is exact but for rounding
    const [after, before] = [await weighed(h), await weighed(-h)];
    const want = after.map((value, r) => (value - before[r]) / (2 * h));
    for (const backend of backends) {
      const got = await gradient(backend, { phases, dweights, k });
      got.forEach((value, r) => {
        const error = Math.abs(value - want[r]);
        assert(error <= 2e-5, `k ${k}, row ${r}: got ${value}, differences give ${want[r]}`);
      });
      assertEquals([got[0], got[5]], [0, 0]);
    }
  }
});

async function gradient(backend: typeof backends[0], at: {
  readonly phases: readonly number[];
  readonly dweights: readonly number[];
  readonly k: number;
}): Promise<readonly number[]> {
  const graph = new Graph();
  const phases = graph.input("phases", f32(at.phases.length));
  const knots = graph.input("knots", f32(KNOTS.length));
  const { weights } = phaseRoute(phases, { knots, k: at.k });
  const cotangent = graph.input("dweights", weights.type);
  graph.output("d", gradientsOf([{ tensor: weights, cotangent }], [phases])[0]);
  const program = await backend.compile(compilePlan(graph));
  program.step({
    phases: Float32Array.from(at.phases),
    knots: Float32Array.from(KNOTS),
    dweights: Float32Array.from(at.dweights),
  });
  const found = Array.from(await program.read("d"));
  program.destroy();
  return found;
}

Deno.test("phaseRoute() refuses an even number of knots, and more experts than two or than there are", () => {
  const graph = new Graph();
  const phases = graph.input("phases", f32(3));
  const even = graph.input("even", f32(4));
  const one = graph.input("one", f32(1));
  assertThrows(() => phaseRoute(phases, { knots: even, k: 1 }), ShapeError, "2 E - 1 knots");
  assertThrows(() => phaseRoute(phases, { knots: one, k: 2 }), ShapeError, "at most E");
  assertThrows(() => phaseRoute(phases, { knots: one, k: 3 }), ShapeError, "1 or 2 experts");
});

Deno.test("phaseBins() cuts the circle into equal parts", async () => {
  // By hand, E = 4: quarters from -pi on.
  const values = [-3.1415927, -1.6, -1.5, -0.01, 0.01, 1.5, 1.6, 3.14, 3.1415927];
  const given = { inputs: [{ type: f32(9), values }], attributes: { bins: 4 } };
  for (const backend of backends) {
    assertEquals(await runOp(backend, binsOp, given), [[0, 0, 1, 1, 2, 2, 3, 3, 3]]);
  }
});

Deno.test("phaseBins() puts a phase that is NaN into bin 0, beside others", async () => {
  for (const backend of backends) {
    const given = {
      inputs: [{ type: f32(4), values: [3, NaN, -3, NaN] }],
      attributes: { bins: 5 },
    };
    assertEquals(await runOp(backend, binsOp, given), [[4, 0, 0, 0]]);
  }
});
