/** Auxiliary losses of the gate against their formulas in f64, its Gumbel noise against the softmax, and entropy. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import {
  mixtureOfExperts,
  type MixtureOfExpertsOptions,
} from "../../../core/layers/mixture_of_experts.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { initialParameters } from "../../../core/train/initial_parameters.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const [ROWS, CHANNELS] = [37, 6];

const BASE = {
  numExperts: 5,
  topK: 2,
  dFf: 8,
  router: { kind: "gate" },
  loadBalance: 0,
  zLoss: 0,
  gumbel: 0,
  purpose: "train",
} as const satisfies MixtureOfExpertsOptions;

type Change = Partial<
  Pick<MixtureOfExpertsOptions, "topK" | "loadBalance" | "zLoss" | "gumbel" | "purpose">
>;

/** Standard normals, rounded to f32. */
function draws(name: string, size: number): number[] {
  const from = stream(8, name);
  return Array.from({ length: size }, (_, index) => Math.fround(normal(from, { step: 0, index })));
}

interface Run {
  readonly change: Change;
  readonly gate: readonly number[];
  readonly x?: readonly number[];
  /** Where in its stream the noise stands. */
  readonly position?: number;
}

/** Outputs by name; the loss and its gradient by the gate where there is one. */
async function run(at: Run): Promise<ReadonlyMap<string, Float64Array>> {
  const x = at.x ?? draws("x", ROWS * CHANNELS);
  const graph = new Graph();
  const input = graph.input("x", f32(x.length / CHANNELS, CHANNELS));
  const options = { ...BASE, ...at.change, noise: () => graph.input("noise", i32(3)) };
  const { output, usage, entropy, auxiliaryLoss } = mixtureOfExperts(input, options);
  const outputs: Record<string, Tensor> = { output, usage, entropy };
  if (auxiliaryLoss) {
    assertEquals(auxiliaryLoss.type, f32());
    const cotangent = graph.input("one", f32());
    const gate = graph.parameters.find(({ label }) => label === "experts/gate")!;
    outputs.loss = auxiliaryLoss;
    [outputs.gate] = gradientsOf([{ tensor: auxiliaryLoss, cotangent }], [gate]);
  }
  for (const [name, tensor] of Object.entries(outputs)) graph.output(name, tensor);
  const plan = compilePlan(graph);
  const program = await backend.compile(plan);
  try {
    const parameters = initialParameters(plan, 2);
    const gate = plan.parameters.find(({ name }) => name === "experts/gate")!;
    parameters.set(at.gate, plan.tensors[gate.tensor].byteOffset / 4);
    program.write("param", parameters);
    program.step({
      x: Float32Array.from(x),
      ...(plan.inputs.has("noise") ? { noise: Int32Array.of(17, -4, at.position ?? 0) } : {}),
      ...(plan.inputs.has("one") ? { one: Float32Array.of(1) } : {}),
    });
    const found = new Map<string, Float64Array>();
    for (const name of Object.keys(outputs)) found.set(name, await program.read(name));
    return found;
  } finally {
    program.destroy();
  }
}

/** Losses by definition from the logits of all rows. */
function lossesOf(gate: readonly number[], k: number): {
  readonly balance: number;
  readonly z: number;
  readonly entropy: number;
} {
  const [x, experts] = [draws("x", ROWS * CHANNELS), BASE.numExperts];
  const share = new Array<number>(experts).fill(0);
  const mean = new Array<number>(experts).fill(0);
  let [z, entropy] = [0, 0];
  for (let r = 0; r < ROWS; r++) {
    const logits = share.map((_, e) =>
      gate.reduce(
        (sum, w, i) => i % experts === e ? sum + w * x[r * CHANNELS + (i - e) / experts] : sum,
        0,
      )
    );
    const total = logits.reduce((sum, s) => sum + Math.exp(s), 0);
    const p = logits.map((s) => Math.exp(s) / total);
    const chosen = p.map((_, e) => e).sort((a, b) => p[b] - p[a]).slice(0, k);
    chosen.forEach((e) => share[e] += 1 / (ROWS * k));
    p.forEach((value, e) => mean[e] += value / ROWS);
    z += Math.log(total) ** 2 / ROWS;
    entropy -= p.reduce((sum, value) => sum + value * Math.log(value), 0) / ROWS;
  }
  const balance = experts * share.reduce((sum, f, e) => sum + f * mean[e], 0);
  return { balance, z, entropy };
}

const GATE = draws("gate", CHANNELS * BASE.numExperts);

for (const topK of [1, 2]) {
  Deno.test(`gateLoss() is its formula, and its gradient that of the formula, k = ${topK}`, async () => {
    const factors = { loadBalance: 0.01, zLoss: 0.002 };
    const lossAt = (gate: readonly number[]): number => {
      const { balance, z } = lossesOf(gate, topK);
      return factors.loadBalance * balance + factors.zLoss * z;
    };
    const found = await run({ change: { topK, ...factors }, gate: GATE });
    const error = Math.abs(found.get("loss")![0] - lossAt(GATE));
    assert(error <= 1e-6 * lossAt(GATE), `off by ${error}`);
    const direction = draws("direction", GATE.length);
    const moved = (t: number) => lossAt(GATE.map((w, i) => w + t * direction[i]));
    const h = 2 ** -16; // no choice changes on the way
    const want = (moved(h) - moved(-h)) / (2 * h);
    const got = found.get("gate")!.reduce((sum, g, i) => sum + g * direction[i], 0);
    assert(Math.abs(got - want) <= 1e-5 * Math.abs(want), `${got}, differences give ${want}`);
  });
}

Deno.test("gateLoss() is there in training alone, and without factors not at all", async () => {
  const none = await run({ change: {}, gate: GATE });
  assert(!none.has("loss"));
  const evaluated = await run({
    change: { loadBalance: 0.1, zLoss: 0.1, purpose: "evaluate" },
    gate: GATE,
  });
  assert(!evaluated.has("loss"));
  assertEquals(evaluated.get("output"), none.get("output"));
  const dense = await run({ change: { topK: 5, loadBalance: 0.1 }, gate: GATE });
  assert(!dense.has("loss")); // a constant where every expert serves every row
});

Deno.test("gateLoss() of the load is 1 where experts are equally likely, E where one has all", async () => {
  const zeros = new Array<number>(GATE.length).fill(0);
  const even = await run({ change: { loadBalance: 1 }, gate: zeros });
  assert(Math.abs(even.get("loss")![0] - 1) <= 1e-6);
  const x = new Array<number>(ROWS * CHANNELS).fill(1);
  const one = GATE.map((_, i) => i % 5 === 2 ? 10 : 0);
  const all = await run({ change: { loadBalance: 1, topK: 1 }, gate: one, x });
  assert(Math.abs(all.get("loss")![0] - 5) <= 1e-5);
  assertEquals([...all.get("usage")!], [0, 0, 1, 0, 0]);
});

Deno.test("gateRouter() measures the entropy of its probabilities", async () => {
  const [entropy] = (await run({ change: {}, gate: GATE })).get("entropy")!;
  const want = lossesOf(GATE, 2).entropy;
  assert(Math.abs(entropy - want) <= 2e-6, `${entropy}, by definition ${want}`);
  const zeros = new Array<number>(GATE.length).fill(0);
  const [largest] = (await run({ change: {}, gate: zeros })).get("entropy")!;
  assert(Math.abs(largest - Math.log(5)) <= 1e-6);
});

Deno.test("gateRouter() with Gumbel noise of temperature 1 chooses by the softmax", async () => {
  const rows = 4096;
  const x = Array.from({ length: rows * CHANNELS }, (_, i) => i % CHANNELS === 0 ? 1 : 0);
  const logits = [0.5, -1, 0, 1.25, -0.25];
  const gate = GATE.map((_, i) => i < 5 ? logits[i] : 0);
  const noisy = await run({ change: { topK: 1, gumbel: 1 }, gate, x });
  const total = logits.reduce((sum, s) => sum + Math.exp(s), 0);
  noisy.get("usage")!.forEach((share, e) => {
    const p = Math.exp(logits[e]) / total;
    const deviations = Math.abs(share - p) / Math.sqrt(p * (1 - p) / rows);
    assert(deviations <= 4, `expert ${e} has ${share}, its probability is ${p}`);
  });
});

Deno.test("gateRouter() draws noise in training alone, by the position of its stream", async () => {
  const change = { topK: 1, gumbel: 0.5 } as const;
  const first = await run({ change, gate: GATE });
  assertEquals(await run({ change, gate: GATE }), first);
  const other = await run({ change, gate: GATE, position: 1 });
  assertNotEquals(other.get("output"), first.get("output"));
  const quiet = await run({ change: { topK: 1 }, gate: GATE });
  const evaluated = await run({ change: { ...change, purpose: "evaluate" }, gate: GATE });
  assertEquals(evaluated.get("output"), quiet.get("output"));
});

Deno.test("gateRouter() refuses noise without a stream", () => {
  const x = new Graph().input("x", f32(3, 4));
  assertThrows(
    () => mixtureOfExperts(x, { ...BASE, gumbel: 1 }),
    HarnessError,
    "Gumbel noise of temperature 1",
  );
});
