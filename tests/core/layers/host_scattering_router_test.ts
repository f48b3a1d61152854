/** scatteringRouter() against NumPy, arithmetic by hand, and the layer of the models on the adapter. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { scatteringRouter } from "../../../core/layers/host_scattering_router.ts";
import { scatteringPhase } from "../../../core/layers/scattering_router.ts";
import { bkCore } from "../../../core/ops/bk_core.ts";
import { fill } from "../../../core/ops/fill.ts";
import { phaseRoute } from "../../../core/ops/phase_route.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { birmanSchwingerCore } from "../../../core/spectral/birman_schwinger_core.ts";
import type { ResolventDirection } from "../../../core/spectral/resolvent.ts";
import golden from "../../golden/scattering_phase.json" with { type: "json" };

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const Z = { lambda: 0, eta: 1 };

/** Numbers that f32 holds exactly, so that host and adapter start from the same ones. */
function potential(length: number): Float32Array {
  const from = stream(9, "potential");
  return Float32Array.from({ length }, (_, index) => 1.5 * normal(from, { step: 0, index }));
}

function green(v: ArrayLike<number>, options: {
  readonly nSeq: number;
  readonly direction: ResolventDirection;
  readonly eta?: number;
}) {
  const { eta = 1 } = options;
  return birmanSchwingerCore({ ...options, useLap: false }).evaluate(v, { lambda: 0, eta });
}

/** G (R, 1, 2) of one site with these phases: G0 = 1 / (-2 - i), and arg G = arg G0 - phi. */
function greenOfPhases(phases: readonly number[]): Float64Array {
  const free = Math.PI - Math.atan2(1, 2);
  return Float64Array.from(
    phases.flatMap((phi) => [Math.cos(free - phi), Math.sin(free - phi)]),
  );
}

Deno.test("scatteringRouter() has phases whose causal sum is arg det(I + K), eigenvalues of NumPy", () => {
  for (const { eta, v, delta } of golden.long) {
    const z = { lambda: 0, eta: Math.fround(eta) };
    const g = green(v, { nSeq: v.length, direction: "causal", eta: z.eta });
    const { phases } = scatteringRouter({ numExperts: 4, z, direction: "causal" })(g);
    const error = Math.abs(phases.reduce((sum, phi) => sum + phi, 0) - delta);
    assert(error <= 1e-10, `eta ${eta}: off by ${error}`);
  }
});

Deno.test("scatteringRouter() takes the quantiles of the batch that NumPy gives", () => {
  // Scaled into the phases that one site can have; quantiles scale along.
  const sample = golden.quantiles.sample.map((value) => value / 4);
  const values = greenOfPhases(sample);
  const routes = scatteringRouter({ numExperts: 8, z: Z })({
    shape: [sample.length, 1, 2],
    values,
  });
  routes.knots.forEach((knot, j) => {
    const error = Math.abs(knot - golden.quantiles.quantiles[j] / 4);
    assert(error <= 1e-13, `knot ${j} is off by ${error}`);
  });
  // By docs/mathematics.md §6: of the pairs 3/(4E) at the ends, 5/(4E) beside them, 1/E elsewhere.
  const pairs = new Float64Array(8);
  routes.indices.forEach((expert, i) => pairs[expert] += routes.weights[i] > 0 ? 1 : 0);
  const shares = pairs.map((count) => count / (2 * sample.length));
  const want = [3, 5, 4, 4, 4, 4, 5, 3].map((share) => share / 32);
  shares.forEach((share, e) => {
    const error = Math.abs(share - want[e]);
    assert(error <= 0.04, `expert ${e} has ${share}, expected ${want[e]}`);
  });
});

Deno.test("scatteringRouter() gives the experts and weights of the layer on the adapter", async () => {
  const [batch, n, experts] = [3, 61, 5];
  const v = potential(batch * n);
  const knots = Float32Array.of(-0.9, -0.5, -0.3, -0.1, 0.05, 0.2, 0.4, 0.7, 1.1);
  for (const direction of ["causal", "bidirectional"] as const) {
    const graph = new Graph();
    const operands = {
      eta: fill(graph, { shape: [1], value: 1 }),
      p: fill(graph, { shape: [1], value: 1 }),
      lambda: fill(graph, { shape: [1], value: 0 }),
    };
    const bounds = { etaMin: 1, pMax: 1 };
    const potentials = graph.input("v", f32(batch, 1, n));
    const g = bkCore({ v: potentials, ...operands }, { bounds, mode: direction });
    const phase = scatteringPhase(g, {
      ...operands,
      a: -2,
      bounds,
      purpose: "evaluate",
      mode: direction,
    });
    const routes = phaseRoute(phase, { knots: graph.input("knots", f32(9)), k: 2 });
    graph.output("phase", phase);
    graph.output("indices", routes.indices);
    graph.output("weights", routes.weights);
    const program = await backend.compile(compilePlan(graph));
    program.step({ v, knots });
    const [phases, indices, weights] = [
      await program.read("phase"),
      await program.read("indices"),
      await program.read("weights"),
    ];
    program.destroy();
    const router = scatteringRouter({ numExperts: experts, z: Z, direction, knots });
    const host = router(green(v, { nSeq: n, direction }));
    assertEquals(host.shape, [batch, n, 2]);
    assertEquals([...host.indices], [...indices]);
    host.phases.forEach((phi, i) => {
      const error = Math.abs(phi - phases[i]);
      assert(error <= 4e-6, `${direction}, row ${i}: off by ${error}`); // angles are good to 5e-7
    });
    host.weights.forEach((weight, i) => {
      const error = Math.abs(weight - weights[i]);
      assert(error <= 4e-5, `${direction}, weight ${i}: got ${weight}, adapter ${weights[i]}`);
    });
  }
});

Deno.test("scatteringRouter() interpolates between centres of bins by hand, and sends v = 0 to the middle", () => {
  const phases = [0.2, 0.5, 0.6, 0.75, 1.1, 1.4, 2];
  // E = 3: centres 0.5, 1 and 1.4, edges 0.75 and 1.25; half a bin between two knots.
  const router = scatteringRouter({ numExperts: 3, z: Z, knots: [0.5, 0.75, 1, 1.25, 1.4] });
  const { weights } = router({ shape: [7, 1, 2], values: greenOfPhases(phases) });
  const [first, second] = [0, 1].map((k) => weights.filter((_, i) => i % 2 === k));
  [0, 0, 0.2, 0.5, 0.2, 1, 1].forEach((want, row) => {
    const error = Math.max(Math.abs(second[row] - want), Math.abs(first[row] - 1 + want));
    assert(error <= 1e-14, `row ${row}: got ${first[row]} and ${second[row]}`);
  });
  // Off the centres, where rounding of the phase cannot choose another neighbour.
  const off = router({ shape: [3, 1, 2], values: greenOfPhases([0.6, 1.1, 2]) });
  assertEquals([...off.indices], [0, 1, 1, 2, 1, 2]);
  const zero = green(new Float64Array(20), { nSeq: 10, direction: "bidirectional" });
  const middle = scatteringRouter({ numExperts: 4, z: Z })(zero);
  assertEquals([...middle.phases], new Array<number>(20).fill(0));
  assertEquals([...new Set(middle.indices)], [1, 2]);
  assertEquals([...new Set(middle.weights)], [0.5]);
});

Deno.test("scatteringRouter() refuses what it cannot do, with the place", () => {
  const make = (options: object) => () => scatteringRouter({ numExperts: 4, z: Z, ...options });
  assertThrows(make({ useClarkMeasure: true }), UsageError, "not available yet");
  assertThrows(make({ numExperts: 1 }), UsageError, 'integer >= 2, got "1"');
  assertThrows(make({ z: { lambda: 0, eta: 0 } }), UsageError, "eta > 0");
  assertThrows(make({ knots: [0, 1] }), UsageError, "at knots: expected 7 finite numbers");
  assertThrows(make({ knots: [0, 1, 2, 3, 4, 6, 5] }), UsageError, "ascending");
  const router = make({})();
  const shape = [1, 2, 2] as const;
  const of = (...values: readonly number[]) => () =>
    router({ shape, values: Float64Array.from(values) });
  assertThrows(of(1, 1), UsageError, "(B, N, 2) = (1, 2, 2)");
  assertThrows(of(1, 1, NaN, 1), NumericError, "at sequence 0, site 1");
  assertThrows(of(1, -1, 0, 1), NumericError, "at sequence 0, site 0");
});
