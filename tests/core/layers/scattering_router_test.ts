/** The router by scattering phase: no parameters, shared load, a gradient to the potential, who reads its states. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, sizeOf } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { phaseRouter } from "../../../core/layers/scattering_router.ts";
import type { Program } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";
import { initialParameters, initialStates } from "../../../core/train/initial_parameters.ts";
import { type RouterCase, routerGraph } from "./_router_graph.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

type Shape = RouterCase["shape"];

/** A potential per channel from tokens of 64 kinds with frequencies 1, 1/2, 1/3, …, as a first block sees text. */
function textPotential([batch, heads, n]: Shape, at: {
  readonly step: number;
  readonly scale: number;
}): Float32Array {
  const [tokens, table] = [stream(6, "tokens"), stream(6, "table")];
  const v = new Float32Array(batch * heads * n);
  for (let b = 0; b < batch; b++) {
    for (let i = 0; i < n; i++) {
      const u = uniform(tokens, { step: at.step, index: b * n + i });
      const kind = Math.floor(64 ** u) - 1; // log-uniform: share about 1/k
      for (let h = 0; h < heads; h++) {
        const raw = at.scale * normal(table, { step: h, index: kind });
        v[(b * heads + h) * n + i] = 3 * Math.tanh(raw / 3);
      }
    }
  }
  return v;
}

function rows([batch, , n]: Shape): Float32Array {
  const from = stream(6, "rows");
  return Float32Array.from(
    { length: 4 * batch * n },
    (_, index) => normal(from, { step: 0, index }),
  );
}

/** A program with first parameters and states, or those of an owner. */
async function programOf(at: RouterCase, parametersOf?: Program): Promise<Program> {
  const plan = compilePlan(routerGraph(at).graph);
  if (parametersOf) return await backend.compile(plan, { parametersOf });
  const program = await backend.compile(plan);
  program.write("param", initialParameters(plan, 3));
  program.write("state", initialStates(plan));
  return program;
}

Deno.test("phaseRouter() has no parameters", () => {
  for (const law of ["quantile", "arg_g"] as const) {
    const at: RouterCase = { shape: [1, 2, 5], eta: 1, experts: 4, k: 1, law, purpose: "train" };
    const names = routerGraph(at).graph.parameters.map(({ label }) => label);
    assertEquals(names, ["experts/w1", "experts/w2"]);
  }
});

for (const [experts, k, heads] of [[8, 2, 4], [8, 1, 4], [8, 2, 1], [8, 1, 1], [4, 1, 1]]) {
  Deno.test(`phaseRouter() gives no expert over 2/E after 50 updates, E ${experts}, K ${k}, H ${heads}`, async () => {
    const shape: Shape = [8, heads, 128];
    const at: RouterCase = { shape, eta: 1, experts, k, purpose: "train" };
    const program = await programOf(at);
    const x = rows(shape);
    let largest = 0;
    for (let step = 0; step < 70; step++) {
      // The potential grows while it is trained.
      program.step({ v: textPotential(shape, { step, scale: 0.5 + step / 50 }), x });
      if (step < 50) continue;
      const usage = await program.read("usage");
      const total = usage.reduce((sum, share) => sum + share, 0);
      assert(Math.abs(total - 1) <= 1e-6, `shares sum to ${total}`);
      largest = Math.max(largest, ...usage);
    }
    program.destroy();
    assert(largest <= 2 / experts, `an expert has ${largest}`);
  });
}

Deno.test("phaseRouter() by arg_g leaves half of the experts unused", async () => {
  const shape: Shape = [4, 1, 128];
  const program = await programOf({
    ...{ shape, eta: 1, experts: 8, k: 1 },
    law: "arg_g",
    purpose: "train",
  });
  program.step({ v: textPotential(shape, { step: 0, scale: 1 }), x: rows(shape) });
  const usage = await program.read("usage");
  assertEquals([...usage.slice(0, 4)], [0, 0, 0, 0]); // Im g > 0
  assertEquals([...await program.read("entropy")], [0]);
  // A potential of zeros: one expert has all.
  program.step({ v: new Float32Array(512), x: rows(shape) });
  assert(Math.max(...await program.read("usage")) > 0.95);
  program.destroy();
});

Deno.test("phaseRouter() sends all rows to the middle where v = 0", async () => {
  const shape: Shape = [2, 2, 40];
  for (const [experts, k, want] of [[4, 2, [0, 0.5, 0.5, 0]], [5, 1, [0, 0, 1, 0, 0]]] as const) {
    const program = await programOf({ shape, eta: 0.3, experts, k, purpose: "train" });
    for (let step = 0; step < 3; step++) {
      program.step({ v: new Float32Array(160), x: rows(shape) });
      assertEquals([...await program.read("usage")], [...want]);
      const [entropy] = await program.read("entropy");
      const nats = experts === 4 ? Math.LN2 : 0;
      assert(Math.abs(entropy - nats) <= 1e-6, `entropy ${entropy}`);
    }
    program.destroy();
  }
});

Deno.test("phaseRouter() moves its quantiles in training alone, and serves a sequence alike in any batch", async () => {
  const shape: Shape = [3, 2, 65];
  const at: RouterCase = { shape, eta: 0.3, experts: 4, k: 2, purpose: "train" };
  const trained = await programOf(at);
  const x = rows(shape);
  for (let step = 0; step < 12; step++) {
    trained.step({ v: textPotential(shape, { step, scale: 1 }), x });
  }
  const whole = await programOf({ ...at, purpose: "evaluate" }, trained);
  const alone = await programOf({ ...at, shape: [1, 2, 65], purpose: "evaluate" }, trained);
  const v = textPotential(shape, { step: 99, scale: 1 });
  whole.step({ v, x });
  const first = await whole.read("y");
  whole.step({ v: textPotential(shape, { step: 3, scale: 2 }), x });
  assertNotEquals(await whole.read("y"), first);
  whole.step({ v, x });
  assertEquals(await whole.read("y"), first);
  alone.step({ v: v.subarray(130, 260), x: x.subarray(260, 520) }); // the second sequence
  assertEquals(await alone.read("y"), first.slice(260, 520));
  trained.step({ v, x }); // routes by the quantiles before its own update
  assertEquals(await trained.read("y"), first);
  whole.step({ v, x });
  assertNotEquals(await whole.read("y"), first);
  for (const program of [whole, alone, trained]) program.destroy();
});

Deno.test("phaseRouter() in chunks of a stream goes on where the chunk before ended", async () => {
  const n = 60;
  const at = { eta: 0.3, experts: 4, k: 2 } as const;
  const whole = await programOf({ ...at, shape: [1, 2, n], purpose: "evaluate" });
  const v = textPotential([1, 2, n], { step: 1, scale: 1 });
  const x = rows([1, 2, n]);
  whole.step({ v, x });
  const [phase, y] = [await whole.read("phase"), await whole.read("y")];
  const chunk = await programOf({ ...at, shape: [1, 2, 20], purpose: "stream" });
  for (const from of [0, 20, 40]) {
    const part = Float32Array.from(
      { length: 40 },
      (_, i) => v[Math.floor(i / 20) * n + from + i % 20],
    );
    chunk.step({ v: part, x: x.subarray(4 * from, 4 * from + 80) });
    assertEquals(await chunk.read("phase"), phase.slice(from, from + 20));
    assertEquals(await chunk.read("y"), y.slice(4 * from, 4 * from + 80));
  }
  for (const program of [whole, chunk]) program.destroy();
});

/** Gradient of <y, x> by v after 12 updates. */
async function potentialGradient(at: RouterCase): Promise<Float64Array> {
  const { graph, v, output } = routerGraph(at);
  const [gradient] = gradientsOf([{ tensor: output, cotangent: graph.inputs[1] }], [v]);
  graph.output("dv", gradient);
  const plan = compilePlan(graph);
  const program = await backend.compile(plan);
  program.write("param", initialParameters(plan, 3));
  program.write("state", initialStates(plan));
  for (let step = 0; step < 12; step++) {
    program.step({ v: textPotential(at.shape, { step, scale: 1 }), x: rows(at.shape) });
  }
  const found = await program.read("dv");
  program.destroy();
  return found;
}

Deno.test("phaseRouter() by quantiles trains the potential, the same bits twice; by arg_g not", async () => {
  const shape: Shape = [2, 2, 40];
  for (const k of [1, 2]) {
    const at: RouterCase = { shape, eta: 0.3, experts: 4, k, purpose: "train" };
    const gradient = await potentialGradient(at);
    assert(gradient.every(Number.isFinite));
    assert(gradient.filter((value) => value !== 0).length > 100);
    assertEquals(await potentialGradient(at), gradient);
    if (k === 2) continue;
    const published = await potentialGradient({ ...at, law: "arg_g" });
    assertEquals(published, new Float64Array(sizeOf(shape)));
  }
});

Deno.test("phaseRouter() refuses numbers of experts per row that a law does not have", () => {
  const phase = new Graph().input("phase", f32(7));
  const options = { numExperts: 4, topK: 2, purpose: "evaluate" } as const;
  const route = (change: Partial<Parameters<typeof phaseRouter>[1]>) =>
    phaseRouter(phase, { ...options, law: "quantile", ...change });
  assertThrows(() => route({ law: "arg_g" }), ShapeError, '"arg_g" to 2 of 4 experts');
  assertThrows(() => route({ topK: 3 }), ShapeError, '"quantile" to 3 of 4 experts');
  assertThrows(() => route({ numExperts: 1 }), ShapeError, '"quantile" to 2 of 1 experts');
});
