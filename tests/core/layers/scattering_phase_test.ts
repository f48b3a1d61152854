/** scatteringPhase() against eigenvalues and determinants of numpy, and what theory says about its sign. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { scatteringPhase } from "../../../core/layers/scattering_router.ts";
import { bkCore } from "../../../core/ops/bk_core.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/scattering_phase.json" with { type: "json" };

const adapter = await webGpuBackend();
const double = referenceBackend({ precision: "f64" });
globalThis.addEventListener("unload", () => adapter.destroy());

interface Chains {
  readonly shape: readonly [batch: number, heads: number, n: number];
  readonly v: readonly number[];
  readonly eta: readonly number[];
  readonly p?: readonly number[];
  readonly lambda?: readonly number[];
  /** Cotangent of the phases; without one no gradient is taken. */
  readonly dphi?: readonly number[];
}

/** Phases under "phi", gradients under "v", "p", "eta" and "lambda". */
async function phases(on: Backend, at: Chains): Promise<ReadonlyMap<string, Float64Array>> {
  const { shape, p = [1], lambda = [0], eta, v } = at;
  const graph = new Graph();
  const inputs = {
    v: graph.input("v", f32(...shape)),
    p: graph.input("p", f32(p.length)),
    eta: graph.input("eta", f32(eta.length)),
    lambda: graph.input("lambda", f32(lambda.length)),
  };
  const bounds = { etaMin: Math.min(...eta), pMax: Math.max(...p) };
  const g = bkCore(inputs, { bounds });
  const phi = scatteringPhase(g, { ...inputs, a: -2, bounds, purpose: "train" });
  assertEquals(phi.type, f32(shape[0] * shape[2]));
  assertEquals(graph.parameters, []);
  graph.output("phi", phi);
  const names = Object.keys(inputs) as (keyof typeof inputs)[];
  if (at.dphi) {
    const cotangent = graph.input("dphi", phi.type);
    gradientsOf([{ tensor: phi, cotangent }], names.map((name) => inputs[name]))
      .forEach((gradient, i) => graph.output(names[i], gradient));
  }
  const program = await on.compile(compilePlan(graph));
  try {
    program.step({
      v: Float32Array.from(v),
      p: Float32Array.from(p),
      eta: Float32Array.from(eta),
      lambda: Float32Array.from(lambda),
      ...(at.dphi ? { dphi: Float32Array.from(at.dphi) } : {}),
    });
    const found = new Map<string, Float64Array>();
    for (const label of ["phi", ...(at.dphi ? names : [])]) {
      found.set(label, await program.read(label));
    }
    return found;
  } finally {
    program.destroy();
  }
}

async function phiOf(on: Backend, at: Chains): Promise<Float64Array> {
  return (await phases(on, at)).get("phi")!;
}

/** Largest difference; NaN is kept. */
function distance(got: ArrayLike<number>, want: ArrayLike<number>): number {
  assertEquals(got.length, want.length);
  return Array.from(got, (value, i) => Math.abs(value - want[i]))
    .reduce((worst, error) => error <= worst ? worst : error, 0);
}

function draws(name: string, size: number): number[] {
  return Array.from(
    { length: size },
    (_, index) => Math.fround(6 * uniform(stream(4, name), { step: 0, index }) - 3),
  );
}

for (const { eta, v, delta } of golden.long) {
  Deno.test(`scatteringPhase() sums to arg det(I + K) of dense matrices, eta ${eta}, 200 sites`, async () => {
    const at: Chains = { shape: [1, 1, v.length], v, eta: [eta] };
    const total = (phi: Float64Array): number => phi.reduce((sum, value) => sum + value, 0);
    const exact = Math.abs(total(await phiOf(double, at)) - delta);
    assert(exact <= 1e-8, `f64 is off by ${exact}`);
    const single = Math.abs(total(await phiOf(adapter, at)) - delta);
    assert(single <= 2e-4, `f32 is off by ${single}`); // 200 phases, each off by about 1e-6
  });
}

Deno.test("scatteringPhase() is the mean over channels of the steps of arg det, with couplings and lambda", async () => {
  const { n, v, p, eta, lambda, phi } = golden.local;
  const at: Chains = { shape: [2, 2, n], v, p, eta, lambda };
  const exact = distance(await phiOf(double, at), phi);
  assert(exact <= 1e-8, `f64 is off by ${exact}`);
  const single = distance(await phiOf(adapter, at), phi);
  assert(single <= 5e-6, `f32 is off by ${single}`); // pivots to 4e-6, two angles to 5e-7
});

Deno.test("scatteringPhase() is exactly 0 where v = 0, in every form of the core", async () => {
  for (const [eta, n] of [[1, 600], [0.3, 600], [0.01, 600], [0.3, 31]]) {
    const at: Chains = { shape: [3, 4, n], v: new Array<number>(12 * n).fill(0), eta: [eta] };
    assertEquals((await phiOf(adapter, at)).filter((value) => value !== 0).length, 0);
    assertEquals((await phiOf(double, { ...at, shape: [1, 1, 31], v: at.v.slice(0, 31) }))[30], 0);
  }
});

Deno.test("scatteringPhase() of a small v > 0 is positive in sum, Im sum v G0_ii to first order", async () => {
  const [n, eta, v] = [40, 0.3, 2 ** -10];
  const graph = new Graph();
  const operand = (name: string) => graph.input(name, f32(1));
  const zero = graph.input("zero", f32(1, 1, n));
  const inputs = { v: zero, p: operand("p"), eta: operand("eta"), lambda: operand("lambda") };
  graph.output("g", bkCore(inputs, { mode: "bidirectional" }));
  const program = await double.compile(compilePlan(graph));
  program.step({
    zero: new Float32Array(n),
    p: Float32Array.of(1),
    eta: Float32Array.of(eta),
    lambda: Float32Array.of(0),
  });
  const g = await program.read("g");
  const want = g.reduce((sum, value, i) => i % 2 === 1 ? sum + v * value : sum, 0);
  const phi = await phiOf(double, {
    shape: [1, 1, n],
    v: new Array<number>(n).fill(v),
    eta: [eta],
  });
  const got = phi.reduce((sum, value) => sum + value, 0);
  assert(want > 0 && got > 0);
  assert(Math.abs(got - want) <= 0.02 * want, `${got}, to first order ${want}`);
});

Deno.test("scatteringPhase() at a token does not depend on later tokens", async () => {
  const [heads, n, changed] = [2, 600, 377];
  const v = draws("v", heads * n);
  const other = v.map((value, i) => i % n === changed ? value + 0.5 : value);
  for (const eta of [1, 0.3, 0.01]) {
    const [a, b] = [
      await phiOf(adapter, { shape: [1, heads, n], v, eta: [eta] }),
      await phiOf(adapter, { shape: [1, heads, n], v: other, eta: [eta] }),
    ];
    assertEquals(a.slice(0, changed), b.slice(0, changed));
    assertNotEquals(a[changed], b[changed]);
  }
});

Deno.test("scatteringPhase() has the gradient of its definition by v, p, eta and lambda", async () => {
  const shape = [2, 2, 7] as const;
  // Multiples of 2^-12, so that steps of 2^-10 are exact in f32.
  const grid = (values: readonly number[]) => values.map((x) => Math.round(x * 4096) / 4096);
  const at: Chains = {
    shape,
    v: grid(draws("v of gradient", 28)),
    p: grid(draws("p", 6).map((x) => 1 + x / 4)),
    eta: grid([0.4, 0.9]),
    lambda: grid([-0.3, 0.2]),
    dphi: grid(draws("dphi", 14)),
  };
  const [exact, single] = [await phases(double, at), await phases(adapter, at)];
  for (const name of ["v", "p", "eta", "lambda"] as const) {
    const gradient = exact.get(name)!;
    const direction = grid(draws(`along ${name}`, gradient.length)).map((x) =>
      Math.round(x * 4) / 4
    );
    const objective = async (steps: number): Promise<number> => {
      const moved = at[name]!.map((x, i) => x + steps * direction[i] * 2 ** -10);
      const phi = await phiOf(double, { ...at, [name]: moved });
      return phi.reduce((sum, value, i) => sum + value * at.dphi![i], 0);
    };
    const [a, b, c, d] = [
      await objective(-2),
      await objective(-1),
      await objective(1),
      await objective(2),
    ];
    const want = (8 * (c - b) - (d - a)) / (12 * 2 ** -10);
    const got = gradient.reduce((sum, value, i) => sum + value * direction[i], 0);
    const error = Math.abs(got - want);
    assert(error <= 1e-6 * Math.max(1, Math.abs(want)), `${name}: ${got}, differences ${want}`);
    const scale = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const rounding = distance(single.get(name)!, gradient) / scale;
    assert(rounding <= 2e-5, `${name} on the adapter is off by ${rounding}`);
  }
});
