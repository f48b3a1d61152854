import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { bkCore, type BkDirection } from "../../../core/ops/bk_core.ts";
import { chooseBkForm } from "../../../core/ops/bk_forms.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { congruential } from "./_congruential.ts";

const adapter = await webGpuBackend();
globalThis.addEventListener("unload", () => adapter.destroy());

const [A, ETA, LAMBDA] = [1, 0.5, 0.25];

/** g and dv of a chain without couplings. */
async function uncoupled(v: Float32Array, dg: Float32Array, options: {
  readonly mode: BkDirection;
  readonly bounds: boolean;
}): Promise<readonly [Float64Array, Float64Array]> {
  const graph = new Graph();
  const potential = graph.input("v", f32(1, 1, v.length));
  const [p, eta, lambda] = ["p", "eta", "lambda"].map((name) => graph.input(name, f32(1)));
  const g = bkCore({ v: potential, p, eta, lambda }, {
    a: A,
    mode: options.mode,
    ...(options.bounds ? { bounds: { etaMin: ETA, pMax: 0 } } : {}),
  });
  const cotangent = graph.input("dg", f32(1, 1, v.length, 2));
  graph.output("g", g);
  graph.output("dv", gradientsOf([{ tensor: g, cotangent }], [potential])[0]);
  const program = await adapter.compile(compilePlan(graph));
  try {
    const one = (value: number) => Float32Array.of(value);
    program.step({ v, dg, p: one(0), eta: one(ETA), lambda: one(LAMBDA) });
    return [await program.read("g"), await program.read("dv")];
  } finally {
    program.destroy();
  }
}

Deno.test("bkCore() without couplings is 1 / (a + v - z) at every site, with its derivative", async () => {
  const n = 600;
  const v = Float32Array.from(congruential({ seed: 41, count: n }, (u) => 6 * u - 3));
  const dg = Float32Array.from(congruential({ seed: 42, count: 2 * n }, (u) => 2 * u - 1));
  assertEquals(chooseBkForm({ length: n, heads: 1 }, { etaMin: ETA, pMax: 0 }).form, "halo");
  for (const mode of ["causal", "bidirectional"] as const) {
    for (const bounds of [false, true]) {
      const [g, dv] = await uncoupled(v, dg, { mode, bounds });
      for (let i = 0; i < n; i++) {
        const x = A + v[i] - LAMBDA;
        const size = x * x + ETA * ETA;
        const [re, im] = [x / size, ETA / size];
        // d g / d v = -g^2 at the same site, 0 at all others.
        const slope = -(dg[2 * i] * (re * re - im * im) + dg[2 * i + 1] * 2 * re * im);
        const errors = [g[2 * i] - re, g[2 * i + 1] - im, dv[i] - slope].map(Math.abs);
        // Below 2 and 4 in modulus: a few roundings of f32.
        assert(errors.every((error) => error <= 2e-6), `${mode}, ${bounds}, ${i}: ${errors}`);
      }
    }
  }
});
