/**
 * Gradients of values that many chains share, at awkward sizes, against the definition in f64: bk_core_vjp's own
 * reference eliminates with dense inverses and adds in order.
 */
import { assert, assertEquals } from "@std/assert";
import { planNeeds } from "../../../core/gpu/needs.ts";
import { f32, sizeOf } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { apply } from "../../../core/graph/trace.ts";
import { type BkDirection, op as bkCoreOp } from "../../../core/ops/bk_core.ts";
import { bkCoreVjp, couplingGradient } from "../../../core/ops/bk_core_vjp.ts";
import { type BkFormAttributes, SEQUENTIAL } from "../../../core/ops/bk_forms.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import type { Backend, StepInput } from "../../../core/plan/backend.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { trialValues } from "../_trials.ts";
import { backends, inShards } from "./_shards.ts";

interface Case {
  readonly shape: readonly [batch: number, heads: number, n: number];
  readonly mode?: BkDirection;
  readonly form?: BkFormAttributes;
  readonly couplings?: number;
  readonly etas: number;
  readonly lambdas: number;
  readonly with_p?: boolean;
  readonly with_z?: boolean;
}

const inChunks = (chunk: number): BkFormAttributes => ({ form: "carry", chunk, warm_up: 0 });

function traced(
  { shape, mode = "causal", form = SEQUENTIAL, couplings = 1, etas, lambdas, ...wanted }: Case,
): { readonly graph: Graph; readonly plan: Plan } {
  const { with_p = true, with_z = true } = wanted;
  const graph = new Graph();
  const v = graph.input("v", f32(...shape));
  const p = graph.input("p", f32(couplings));
  const eta = graph.input("eta", f32(etas));
  const lambda = graph.input("lambda", f32(lambdas));
  const chains = { a: -2, mode, ...form };
  const exact = { grad_mode: "exact", grad_blend: 0.5 } as const;
  const g = apply(bkCoreOp, [v, p, eta, lambda], { ...chains, ...exact });
  const dg = graph.input("dg", f32(...shape, 2));
  const found = bkCoreVjp([v, p, eta, lambda, g, dg], { ...chains, with_p, with_z });
  graph.output("dv", found.dv);
  if (with_p) graph.output("dp", couplingGradient(found, p));
  if (with_z) graph.output("deta", found.deta);
  if (with_z) graph.output("dlambda", found.dlambda);
  return { graph, plan: compilePlan(graph) };
}

async function resultsOf(graph: Graph, at: { readonly plan: Plan; readonly backend: Backend }) {
  const program = await at.backend.compile(at.plan);
  const laws: Readonly<Record<string, (index: number, u: number) => number>> = {
    p: (_, u) => 0.2 + u,
    eta: (_, u) => 0.3 + u,
  };
  const inputs: StepInput = Object.fromEntries(graph.inputs.map(({ label, type }) => {
    const law = laws[label] ?? ((_: number, u: number) => 4 * u - 2);
    return [label, trialValues({ type, law }, label)];
  }));
  try {
    program.step(inputs);
    const read = [];
    for (const label of graph.outputs.keys()) {
      read.push([label, await program.read(label)] as const);
    }
    return read;
  } finally {
    program.destroy();
  }
}

async function check(of: Case): Promise<void> {
  const { graph, plan } = traced(of);
  const expected = new Map(
    await resultsOf(graph, { plan, backend: referenceBackend({ precision: "f64" }) }),
  );
  for (const { backend } of backends) {
    const whole = await resultsOf(graph, { plan, backend });
    assertEquals(await resultsOf(graph, { plan: inShards(plan), backend }), whole);
    for (const [label, got] of whole) {
      const want = expected.get(label)!;
      const error = got.reduce((most, x, k) => Math.max(most, Math.abs(x - want[k])), 0);
      const size = want.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
      assert(error <= 3e-5 * size, `${label} of ${JSON.stringify(of)}: ${error} of ${size}`);
    }
  }
}

Deno.test("bkCoreVjp() sums gradients per head and of one value, mixed, heads beyond the lanes", async () => {
  for (const mode of ["causal", "bidirectional"] as const) {
    await check({ shape: [2, 33, 7], mode, etas: 33, lambdas: 1 });
    await check({ shape: [2, 33, 7], mode, etas: 1, lambdas: 33, form: inChunks(2) });
  }
});

Deno.test("bkCoreVjp() sums gradients of one and two sites, where one coupling may be the bond's own", async () => {
  for (const n of [1, 2]) await check({ shape: [3, 2, n], etas: 2, lambdas: 1 });
});

Deno.test("bkCoreVjp() gives the gradients that are asked for alone", async () => {
  await check({ shape: [2, 3, 5], etas: 1, lambdas: 3, with_z: false });
  await check({ shape: [2, 3, 5], etas: 1, lambdas: 3, with_p: false });
  await check({ shape: [2, 3, 5], etas: 3, lambdas: 1, couplings: 4 });
});

Deno.test("bkCoreVjp() folds sums over many chunks, a prime number of rows", async () => {
  await check({ shape: [17, 41, 13], etas: 41, lambdas: 1, form: inChunks(2) });
  await check({ shape: [17, 41, 13], etas: 1, lambdas: 41, form: inChunks(2) });
});

Deno.test("bkCoreVjp() keeps loops and bindings bounded, however many chunks there are", () => {
  const chunks = { form: "halo", chunk: 64, warm_up: 21 } as const;
  const long = traced({ shape: [8, 64, 262144], etas: 1, lambdas: 1, form: chunks });
  const rounds = planNeeds(long.plan, "gpu").mostRounds?.rounds ?? 0;
  assert(rounds > 0 && rounds <= 2048, String(rounds));
  // Before the sum over chains there are 64 64 rows of couplings of their own, 256 MiB.
  const own = traced({ shape: [64, 64, 16385], etas: 1, lambdas: 1, couplings: 16384 });
  const largest = planNeeds(own.plan, "gpu").largestBinding;
  assert(largest !== null && largest.bytes <= 64 * 2 ** 20, JSON.stringify(largest));
  assertEquals(sizeOf(own.plan.tensors[own.plan.outputs.get("dp")!].type.shape), 16384);
});
