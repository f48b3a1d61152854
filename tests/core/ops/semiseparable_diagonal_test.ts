/** semiseparable_diagonal against dense inverses of numpy, Woodbury's identity in f64, and what theory says. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { bkCore } from "../../../core/ops/bk_core.ts";
import type { BkBounds } from "../../../core/ops/bk_forms.ts";
import { semiseparableDiagonal } from "../../../core/ops/semiseparable_diagonal.ts";
import type { Backend, StepInput } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";
import { directionalDerivative } from "../../../core/reference/central_difference.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/semiseparable.json" with { type: "json" };
import { relativeError } from "../_trials.ts";
import { type Semiseparable, woodburyDiagonal } from "./_semiseparable_in_double.ts";

const NAMES = ["v", "p", "eta", "lambda", "u", "sigma"] as const;
type Values = Readonly<Record<typeof NAMES[number], Float32Array>>;

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

interface Run {
  readonly shape: readonly [batch: number, heads: number, n: number];
  readonly values: Values;
  /** Cotangent; without one no gradient is taken. */
  readonly dg?: Float32Array;
  readonly bounds?: BkBounds;
}

/** G_ii under "g", the diagonal of bk_core under "band", gradients by name. */
async function run(on: Backend, at: Run): Promise<ReadonlyMap<string, Float64Array>> {
  const { shape, values } = at;
  const [, heads, n] = shape;
  const rank = values.sigma.length;
  const graph = new Graph();
  const types = {
    v: f32(...shape),
    p: f32(values.p.length),
    eta: f32(values.eta.length),
    lambda: f32(values.lambda.length),
    u: f32(n, rank),
    sigma: f32(rank),
  };
  const inputs = Object.fromEntries(NAMES.map((name) => [name, graph.input(name, types[name])]));
  const { v, p, eta, lambda, u, sigma } = inputs as Record<typeof NAMES[number], Tensor>;
  const options = at.bounds ? { bounds: at.bounds } : {};
  const g = semiseparableDiagonal({ v, p, u, sigma, eta, lambda }, options);
  assertEquals(g.type, f32(shape[0], heads, n, 2));
  graph.output("g", g);
  graph.output("band", bkCore({ v, p, eta, lambda }, { ...options, mode: "bidirectional" }));
  const step: Record<string, Float32Array> = { ...values };
  if (at.dg) {
    const seed = { tensor: g, cotangent: graph.input("dg", g.type) };
    step.dg = at.dg;
    gradientsOf([seed], NAMES.map((name) => inputs[name]))
      .forEach((gradient, k) => graph.output(NAMES[k], gradient));
  }
  return await outputsOf(on, graph, step);
}

async function outputsOf(
  on: Backend,
  graph: Graph,
  step: StepInput,
): Promise<ReadonlyMap<string, Float64Array>> {
  const program = await on.compile(compilePlan(graph));
  try {
    program.step(step);
    const found = new Map<string, Float64Array>();
    for (const label of graph.outputs.keys()) found.set(label, await program.read(label));
    return found;
  } finally {
    program.destroy();
  }
}

function draws(name: string, size: number, law: (draw: number) => number): Float32Array {
  const from = stream(5, name);
  return Float32Array.from({ length: size }, (_, index) => law(uniform(from, { step: 0, index })));
}

/** One chain with couplings that differ, a diagonal of unit weight in U and sigma of both signs. */
function chainOf(n: number, rank: number, eta: number): Values {
  return {
    v: draws(`v/${n}`, n, (u) => 6 * u - 3),
    p: draws(`p/${n}`, n - 1, (u) => 0.2 + 0.8 * u),
    eta: Float32Array.of(eta),
    lambda: Float32Array.of(0.3),
    u: draws(`u/${n}`, n * rank, (u) => (2 * u - 1) * Math.sqrt(30 / n)),
    sigma: draws("sigma", rank, (u) => u - 0.5),
  };
}

/** H of a chain in f64, with what is given in place of its own values. */
function inDouble(
  values: Readonly<Record<"v" | "p" | "u" | "sigma", ArrayLike<number>>>,
): Semiseparable {
  const bonds = Array.from(values.p, Math.sqrt);
  const u = Array.from(values.u);
  const diagonal = Array.from(values.v, (x) => x - 2);
  return { lower: bonds, upper: bonds, diagonal, u, v: u, sigma: Array.from(values.sigma) };
}

const bound = (eta: number): number => 4e-6 * Math.max(1, 0.1 / eta);

for (
  const [on, tolerance] of [[referenceBackend({ precision: "f64" }), 1e-10], [
    backend,
    5e-6,
  ]] as const
) {
  Deno.test(`semiseparableDiagonal() agrees with dense inverses of numpy, values and gradients, ${on.facts.name}`, async () => {
    const { batch, heads, n, inputs, g, gradients } = golden.symmetric;
    const values = Object.fromEntries(
      NAMES.map((name) => [name, Float32Array.from(inputs[name])]),
    ) as Record<typeof NAMES[number], Float32Array>;
    const found = await run(on, {
      shape: [batch, heads, n],
      values,
      dg: Float32Array.from(inputs.dg),
    });
    for (const [name, want] of [["g", g] as const, ...Object.entries(gradients)]) {
      const error = relativeError(found.get(name)!, Float64Array.from(want));
      assert(error <= tolerance, `${name} is off by ${error}`);
    }
  });
}

Deno.test("Woodbury's identity in f64 gives dense inverses of numpy, also where nothing is symmetric", () => {
  const found = woodburyDiagonal(golden.general, golden.general);
  const error = relativeError(found, Float64Array.from(golden.general.resolvent));
  assert(error <= 1e-10, `off by ${error}`);
});

for (const eta of [1, 0.1, 0.01]) {
  Deno.test(`semiseparableDiagonal() gives Woodbury's identity of f64 on a long chain, eta ${eta}`, async () => {
    const [n, rank] = [1021, 10];
    const values = chainOf(n, rank, Math.fround(eta));
    const want = woodburyDiagonal(inDouble(values), {
      lambda: values.lambda[0],
      eta: values.eta[0],
    });
    for (const bounds of [undefined, { etaMin: eta, pMax: 1 }]) {
      const found = await run(backend, { shape: [1, 1, n], values, ...(bounds ? { bounds } : {}) });
      const g = found.get("g")!;
      const error = relativeError(g, want);
      assert(error <= bound(eta), `off by ${error}`);
      // The low-rank part matters, and the theorem holds: Im G > 0, |G| <= 1/eta.
      assert(relativeError(found.get("band")!, want) > 0.01);
      for (let i = 0; i < 2 * n; i += 2) {
        assert(g[i + 1] > 0, `Im G = ${g[i + 1]}`);
        assert(Math.hypot(g[i], g[i + 1]) <= (1 + 1e-5) / eta, `|G| > 1/eta at ${i / 2}`);
      }
    }
  });
}

Deno.test("semiseparableDiagonal() has the gradient of Woodbury's identity in runs of a long chain", async () => {
  const [n, rank, eta] = [301, 4, 0.25];
  const values = chainOf(n, rank, eta);
  const dg = draws("dg", 2 * n, (u) => 2 * u - 1);
  const found = await run(backend, { shape: [1, 1, n], values, dg });
  for (const name of NAMES) {
    const gradient = found.get(name)!;
    const direction = Float64Array.from(
      draws(`direction/${name}`, gradient.length, (u) => u - 0.5),
    );
    const objective = (x: Float64Array): number => {
      const at = { ...values, [name]: x };
      const g = woodburyDiagonal(inDouble(at), { lambda: at.lambda[0], eta: at.eta[0] });
      return g.reduce((sum, y, i) => sum + y * dg[i], 0);
    };
    const x = Float64Array.from(values[name]);
    const want = directionalDerivative(objective, { x, direction, h: 1e-3 });
    const got = gradient.reduce((sum, slope, i) => sum + slope * direction[i], 0);
    const size = Math.sqrt(gradient.reduce((sum, slope) => sum + slope * slope, 0));
    const error = Math.abs(got - want) / Math.max(size, Math.abs(want));
    assert(error <= 2e-5, `${name}: got ${got}, differences give ${want}`);
  }
});

Deno.test("semiseparableDiagonal() is bk_core to the bit where sigma is 0", async () => {
  const values = { ...chainOf(67, 3, 0.1), sigma: new Float32Array(3) };
  const found = await run(backend, { shape: [1, 1, 67], values });
  assertEquals(found.get("g"), found.get("band"));
});

Deno.test("semiseparableDiagonal() lets every token reach every position, far beyond its neighbours", async () => {
  const [n, site] = [67, 60];
  const values = chainOf(n, 3, 1);
  const v = values.v.slice();
  v[site] += 1;
  const before = await run(backend, { shape: [1, 1, n], values });
  const after = await run(backend, { shape: [1, 1, n], values: { ...values, v } });
  const change = (name: string): number => Math.abs(after.get(name)![1] - before.get(name)![1]);
  // At eta = 1 the chain alone forgets a token within a few sites.
  assert(change("band") <= 1e-7, `band: ${change("band")}`);
  assert(change("g") > 1e-5, `g: ${change("g")}`);
});

Deno.test("semiseparableDiagonal() takes v without channels, and refuses what does not belong together", () => {
  const graph = new Graph();
  const inputs = {
    v: graph.input("v", f32(2, 7)),
    p: graph.input("p", f32(1)),
    u: graph.input("u", f32(7, 3)),
    sigma: graph.input("sigma", f32(3)),
    eta: graph.input("eta", f32(1)),
    lambda: graph.input("lambda", f32(1)),
  };
  assertEquals(semiseparableDiagonal(inputs).type, f32(2, 1, 7, 2));
  const shorter = { ...inputs, u: graph.input("shorter", f32(6, 3)) };
  assertThrows(() => semiseparableDiagonal(shorter), ShapeError, "expected (7, 3)");
  const wide = { u: graph.input("wide", f32(7, 21)), sigma: graph.input("many", f32(21)) };
  assertThrows(() => semiseparableDiagonal({ ...inputs, ...wide }), ShapeError, "1 to 20");
  const flat = { ...inputs, sigma: graph.input("square", f32(3, 3)) };
  assertThrows(() => semiseparableDiagonal(flat), ShapeError, "rank 1");
  const bonds = { ...inputs, p: graph.input("bonds", f32(5)) };
  assertThrows(() => semiseparableDiagonal(bonds), ShapeError, "(N - 1) = (6)");
});
