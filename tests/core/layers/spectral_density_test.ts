/** spectralDensity() and distances of densities against eigenvalues of numpy, closed forms and differences. */
import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import {
  cramerDistance,
  cumulativeDensity,
  wassersteinDistance,
} from "../../../core/layers/density_distance.ts";
import { meanDensity, spectralDensity } from "../../../core/layers/spectral_density.ts";
import { gridValues, spectralBounds, spectralGrid } from "../../../core/layers/spectral_grid.ts";
import type { Backend, StepInput } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";
import { directionalDerivative } from "../../../core/reference/central_difference.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/semiseparable.json" with { type: "json" };
import { relativeError } from "../_trials.ts";

const exact = referenceBackend({ precision: "f64" });
const adapter = await webGpuBackend();
globalThis.addEventListener("unload", () => adapter.destroy());

async function outputsOf(
  backend: Backend,
  graph: Graph,
  step: StepInput,
): Promise<ReadonlyMap<string, Float64Array>> {
  const program = await backend.compile(compilePlan(graph));
  try {
    program.step(step);
    const found = new Map<string, Float64Array>();
    for (const label of graph.outputs.keys()) found.set(label, await program.read(label));
    return found;
  } finally {
    program.destroy();
  }
}

/** rho of one potential on a grid, with bonds 1. */
async function densityOf(
  backend: Backend,
  v: Float32Array,
  at: { readonly lambda: Float32Array; readonly eta: number },
): Promise<Float64Array> {
  const graph = new Graph();
  const [p, eta] = ["p", "eta"].map((name) => graph.input(name, f32(1)));
  const lambda = graph.input("lambda", f32(at.lambda.length));
  const rho = spectralDensity(graph.input("v", f32(1, v.length)), { p, eta, lambda });
  assertEquals(rho.type, f32(1, at.lambda.length));
  graph.output("rho", rho);
  const step = { v, p: Float32Array.of(1), eta: Float32Array.of(at.eta), lambda: at.lambda };
  return (await outputsOf(backend, graph, step)).get("rho")!;
}

function draws(name: string, size: number): Float32Array {
  const from = stream(9, name);
  return Float32Array.from(
    { length: size },
    (_, index) => 6 * uniform(from, { step: 0, index }) - 3,
  );
}

// 1 / (pi N) and the step are rounded to f32 in both.
for (const [backend, tolerance] of [[exact, 2e-7], [adapter, 5e-6]] as const) {
  Deno.test(`spectralDensity() and its distances are those of eigenvalues of numpy, ${backend.facts.name}`, async () => {
    const { density } = golden;
    const [n, points] = [density.n, density.grid.length];
    const graph = new Graph();
    const [p, eta] = ["p", "eta"].map((name) => graph.input(name, f32(1)));
    const options = { p, eta, lambda: graph.input("lambda", f32(points)) };
    const [one, other] = [graph.input("one", f32(1, n)), graph.input("other", f32(1, n))];
    const both = graph.input("v", f32(2, n));
    const rho = spectralDensity(both, options);
    const pair = [spectralDensity(one, options), spectralDensity(other, options)] as const;
    const grid = { step: density.step };
    graph.output("rho", rho);
    graph.output("mean", meanDensity(rho));
    graph.output("wasserstein", wassersteinDistance(pair, grid));
    graph.output("squared", cramerDistance(pair, grid));
    graph.output("itself", wassersteinDistance([pair[0], pair[0]], grid));
    graph.output("cumulative", cumulativeDensity(pair[0], grid));
    const v = Float32Array.from(density.v);
    const found = await outputsOf(backend, graph, {
      ...{ v, one: v.slice(0, n), other: v.slice(n) },
      ...{ p: Float32Array.of(density.p), eta: Float32Array.of(density.eta) },
      lambda: Float32Array.from(density.grid),
    });
    const want = Float64Array.from(density.rho);
    const mean = want.slice(0, points).map((value, j) => (value + want[points + j]) / 2);
    assert(relativeError(found.get("rho")!, want) <= tolerance);
    assert(relativeError(found.get("mean")!, mean) <= tolerance);
    for (const name of ["wasserstein", "squared"] as const) {
      const error = relativeError(found.get(name)!, Float64Array.of(density[name]));
      assert(error <= 2 * tolerance, `${name} is off by ${error}`);
    }
    assertEquals(found.get("itself")![0], 0);
    // Non-decreasing, and short of 1 by the Lorentz tails outside the grid alone.
    const cumulative = found.get("cumulative")!;
    assert(cumulative.every((value, j) => j === 0 || value >= cumulative[j - 1]));
    assert(cumulative[points - 1] < 1 && cumulative[points - 1] > 0.9, `${cumulative[points - 1]}`);
  });
}

Deno.test("spectralDensity() integrates to 1 within 1e-3 on a wide grid, and is positive", async () => {
  const [v, eta, points] = [draws("v", 67), 0.5, 4096];
  const lambda = Float32Array.from({ length: points }, (_, j) => -512 + j / 4);
  const rho = await densityOf(adapter, v, { lambda, eta });
  assert(rho.every((value) => value > 0));
  const mass = rho.reduce((sum, value) => sum + value / 4, 0);
  assert(Math.abs(mass - 1) <= 1e-3, `mass ${mass}`);
});

Deno.test("spectralDensity() of the free chain is the arcsine law in the bulk", async () => {
  const [n, eta] = [2048, 0.02];
  const lambda = Float32Array.from({ length: 61 }, (_, j) => -3.5 + j / 20);
  const rho = await densityOf(adapter, new Float32Array(n), { lambda, eta });
  // 1 / (pi sqrt(4 - (lambda + 2)^2)); smoothing by eta and the ends of the chain cost below 1 % here.
  rho.forEach((value, j) => {
    const want = 1 / (Math.PI * Math.sqrt(4 - (lambda[j] + 2) ** 2));
    assert(Math.abs(value / want - 1) <= 0.01, `at ${lambda[j]}: ${value}, arcsine ${want}`);
  });
});

Deno.test("spectralDensity() tells potentials apart: total variation above 0.2, and 0 for the same", async () => {
  const [n, eta] = [128, 0.3];
  const flat = new Float32Array(n);
  const steps = Float32Array.from({ length: n }, (_, i) => i % 4 < 2 ? 2.5 : -2.5);
  const bounds = spectralBounds(steps, { pMax: 1 });
  const grid = spectralGrid(bounds, { eta, points: 128 });
  const lambda = Float32Array.from(gridValues(grid));
  const [a, b] = [
    await densityOf(adapter, flat, { lambda, eta }),
    await densityOf(adapter, steps, { lambda, eta }),
  ];
  const variation = 0.5 * grid.step * a.reduce((sum, value, j) => sum + Math.abs(value - b[j]), 0);
  assert(variation > 0.2, `total variation ${variation}`);
  assertEquals(await densityOf(adapter, flat, { lambda, eta }), a);
});

for (const distance of [cramerDistance, wassersteinDistance]) {
  Deno.test(`${distance.name}() has the gradient of its differences, through the density`, async () => {
    const [batch, n, eta, points] = [2, 37, 0.4, 96];
    const grid = spectralGrid({ low: -7, high: 3 }, { eta, points });
    const values = { v: draws("student", batch * n), teacher: draws("teacher", n) };
    const trace = (graph: Graph): { readonly v: Tensor; readonly loss: Tensor } => {
      const p = graph.input("p", f32(1));
      const lambda = graph.input("lambda", f32(points));
      const options = { p, lambda, eta: graph.input("eta", f32(1)) };
      const v = graph.input("v", f32(batch, n));
      const student = meanDensity(spectralDensity(v, options));
      const teacher = spectralDensity(graph.input("teacher", f32(1, n)), options);
      return { v, loss: distance([student, teacher], grid) };
    };
    const step = (v: Float32Array): StepInput => ({
      ...{ v, teacher: values.teacher, p: Float32Array.of(1) },
      ...{ eta: Float32Array.of(eta), lambda: Float32Array.from(gridValues(grid)) },
    });
    const graph = new Graph();
    const { v, loss } = trace(graph);
    const one = graph.input("one", f32(1));
    const [gradient] = gradientsOf([{ tensor: loss, cotangent: one }], [v]);
    graph.output("gradient", gradient);
    graph.output("loss", loss);
    const given = { ...step(values.v), one: Float32Array.of(1) };
    const [device, oracle] = [
      await outputsOf(adapter, graph, given),
      await outputsOf(exact, graph, given),
    ];
    const error = relativeError(device.get("gradient")!, oracle.get("gradient")!);
    assert(error <= 1e-4, `the adapter is off by ${error}`);
    // Differences of the definition: densities from determinants, in f64.
    const objective = (x: Float64Array): number =>
      distanceOfDefinition(distance.name, {
        students: [x.subarray(0, n), x.subarray(n)],
        teacher: Float64Array.from(values.teacher),
        energies: Float64Array.from(gridValues(grid), Math.fround),
        eta: Math.fround(eta),
        step: grid.step,
      });
    const x = Float64Array.from(values.v);
    assertAlmostEquals(oracle.get("loss")![0], objective(x), 1e-7);
    const direction = Float64Array.from(draws("direction", batch * n));
    // A small step, so that the modulus seldom meets its kink.
    const want = directionalDerivative(objective, { x, direction, h: 1e-6 });
    const got = oracle.get("gradient")!.reduce((sum, slope, i) => sum + slope * direction[i], 0);
    assert(Math.abs(got - want) <= 1e-4 * Math.abs(want), `got ${got}, differences give ${want}`);
  });
}

/** Both distances from their definitions, with Im tr G from the derivative of ln det (H - z) by z. */
function distanceOfDefinition(name: string, at: {
  readonly students: readonly Float64Array[];
  readonly teacher: Float64Array;
  readonly energies: Float64Array;
  readonly eta: number;
  readonly step: number;
}): number {
  let [gap, total] = [0, 0];
  for (const energy of at.energies) {
    const z = [energy, at.eta] as const;
    const mean = at.students.reduce((sum, v) => sum + densityByDeterminant(v, z), 0) /
      at.students.length;
    gap += at.step * (mean - densityByDeterminant(at.teacher, z));
    total += at.step * (name === "cramerDistance" ? gap * gap : Math.abs(gap));
  }
  return total;
}

/** Im tr (H - z)^-1 / (pi N), tr (H - z)^-1 = -d ln det (H - z) / dz, det and its slope by three terms. */
function densityByDeterminant(v: Float64Array, [re, im]: readonly [number, number]): number {
  // (value, slope) of the determinants of the last two leading blocks, as complex numbers, rescaled together.
  let [older, newer] = [[0, 0, 0, 0], [1, 0, 0, 0]];
  v.forEach((potential) => {
    const [x, y] = [-2 + potential - re, -im];
    const [a, b, c, d] = newer;
    const next = [x * a - y * b, x * b + y * a, x * c - y * d - a, x * d + y * c - b]
      .map((value, k) => value - older[k]);
    const size = Math.hypot(...next);
    [older, newer] = [newer.map((value) => value / size), next.map((value) => value / size)];
  });
  const [a, b, c, d] = newer;
  return -(d * a - c * b) / (a * a + b * b) / (Math.PI * v.length);
}

Deno.test("spectralDensity() and the distances refuse shapes that do not belong together", () => {
  const graph = new Graph();
  const [p, eta] = ["p", "eta"].map((name) => graph.input(name, f32(1)));
  const options = { p, eta, lambda: graph.input("lambda", f32(5)) };
  const three = graph.input("three", f32(2, 3, 7));
  assertThrows(() => spectralDensity(three, options), ShapeError, "rank 2");
  const wide = { ...options, eta: graph.input("wide", f32(4)) };
  const v = graph.input("v", f32(2, 7));
  assertThrows(() => spectralDensity(v, wide), ShapeError, "(H) = (5)");
  const rho = spectralDensity(v, options);
  const other = meanDensity(rho);
  assertThrows(() => cramerDistance([rho, other], { step: 1 }), ShapeError, "expected (2, 5)");
});
