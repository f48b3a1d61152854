import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { op as bkCore } from "../../../core/ops/bk_core.ts";
import { bkCoreStream, op } from "../../../core/ops/bk_core_stream.ts";
import { SEQUENTIAL } from "../../../core/ops/bk_forms.ts";
import { EXACT_GRADIENT } from "../../../core/ops/bk_gradient_modes.ts";
import { concat } from "../../../core/ops/concat.ts";
import { slice } from "../../../core/ops/slice.ts";
import type { Backend, Program } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/bk_core.json" with { type: "json" };
import { largestRelative } from "./_bk_recurrence.ts";
import { congruential } from "./_congruential.ts";
import { type GivenInput, runOp } from "./_run_op.ts";

const adapter = await webGpuBackend();
const oracle = referenceBackend({ precision: "f64" });
globalThis.addEventListener("unload", () => [adapter, oracle].forEach((b) => b.destroy()));

/** Chains of one batch and one length. */
interface Chains {
  readonly shape: readonly [number, number, number];
  readonly v: readonly number[];
  readonly p: number;
  readonly eta: readonly number[];
  readonly lambda: number;
}

const vector = (values: readonly number[]): GivenInput => ({ type: f32(values.length), values });

function operands(chains: Chains, v: readonly number[]): readonly GivenInput[] {
  const [batch, heads] = chains.shape;
  return [
    { type: f32(batch, heads, v.length / (batch * heads)), values: v },
    ...[[chains.p], chains.eta, [chains.lambda]].map(vector),
  ];
}

/** Sites of one program: many short calls in one plan, since reading back takes longer than computing. */
const AT_ONCE = 64;

/** Calls of `chunk` sites over `sites` sites, each entered with what the one before left, compiled once. */
async function compileCalls(chains: Chains, at: {
  readonly sites: number;
  readonly chunk: number;
  readonly backend: Backend;
}) {
  const [batch, heads] = chains.shape;
  const graph = new Graph();
  const v = graph.input("v", f32(batch, heads, at.sites));
  const p = graph.input("p", f32(1));
  const eta = graph.input("eta", f32(heads));
  const lambda = graph.input("lambda", f32(1));
  let state = graph.input("entry", f32(batch, heads, 4));
  let whole: Tensor | undefined;
  for (let from = 0; from < at.sites; from += at.chunk) {
    const to = Math.min(at.sites, from + at.chunk);
    const inputs = { v: slice(v, { axis: 2, from, to }), p, eta, lambda, entry: state };
    const { g, exit } = bkCoreStream(inputs);
    whole = whole ? concat([whole, g], { axis: 2 }) : g;
    state = exit;
  }
  graph.output("g", whole!);
  graph.output("exit", state);
  return await at.backend.compile(compilePlan(graph));
}

/** g of all chains in calls of `chunk` sites, (B, H, N, 2). */
async function inChunks(
  chains: Chains,
  chunk: number,
  backend: Backend = adapter,
): Promise<readonly number[]> {
  const [batch, heads, n] = chains.shape;
  const found: number[][] = Array.from({ length: batch * heads }, () => []);
  const stretch = chunk * Math.ceil(AT_ONCE / chunk);
  const fixed = {
    p: Float32Array.of(chains.p),
    eta: Float32Array.from(chains.eta),
    lambda: Float32Array.of(chains.lambda),
  };
  const programs = new Map<number, Program>();
  let entry = new Float32Array(4 * batch * heads);
  for (let first = 0; first < n; first += stretch) {
    const sites = Math.min(stretch, n - first);
    const program = programs.get(sites) ?? await compileCalls(chains, { sites, chunk, backend });
    programs.set(sites, program);
    const v = found.flatMap((_, c) => chains.v.slice(c * n + first, c * n + first + sites));
    program.step({ ...fixed, v: Float32Array.from(v), entry });
    const g = await program.read("g");
    found.forEach((chain, c) => chain.push(...g.subarray(2 * c * sites, 2 * (c + 1) * sites)));
    entry = Float32Array.from(await program.read("exit"));
  }
  programs.forEach((program) => program.destroy());
  return found.flat();
}

async function whole(chains: Chains): Promise<readonly number[]> {
  const attributes = { a: -2, mode: "causal", ...EXACT_GRADIENT, ...SEQUENTIAL } as const;
  return (await runOp(adapter, bkCore, { inputs: operands(chains, chains.v), attributes }))[0];
}

function randomChains(shape: Chains["shape"], at: { readonly p: number }): Chains {
  const [batch, heads, n] = shape;
  return {
    shape,
    v: congruential({ seed: 5, count: batch * heads * n }, (u) => 6 * u - 3),
    p: Math.fround(at.p),
    eta: Array.from({ length: heads }, (_, h) => Math.fround([0.001, 0.1, 1][h % 3])),
    lambda: Math.fround(0.3),
  };
}

for (const chunk of [1, 7, 64, 100, 1024]) {
  Deno.test(`bkCoreStream() in chunks of ${chunk} gives the bits of one pass over 1024 sites`, async () => {
    for (const p of [0.7, 1, 0]) {
      const chains = randomChains([2, 3, 1024], { p });
      assertEquals(await inChunks(chains, chunk), await whole(chains));
    }
  });
}

Deno.test("bkCoreStream() needs the lower part of the pivot: without it bits change", async () => {
  const chains = randomChains([1, 3, 64], { p: 1 });
  const attributes = { a: -2 };
  const half = (from: number) =>
    [0, 1, 2].flatMap((c) => chains.v.slice(c * 64 + from).slice(0, 32));
  const zeros = { type: f32(1, 3, 4), values: new Array<number>(12).fill(0) };
  const run = (v: readonly number[], entry: GivenInput) =>
    runOp(adapter, op, { inputs: [...operands(chains, v), entry], attributes });
  const [, exit] = await run(half(0), zeros);
  const [full] = await run(half(32), { ...zeros, values: exit });
  const rounded = exit.map((x, k) => k % 4 < 2 ? x : 0);
  const [cut] = await run(half(32), { ...zeros, values: rounded });
  assert(full.some((x, i) => x !== cut[i]));
});

Deno.test("bkCoreStream() agrees with dense inverses of leading blocks by NumPy", async () => {
  const { v, p, eta, lambda, g } = golden.stream;
  const chains: Chains = { shape: [1, 1, v.length], v, p, eta: [eta], lambda };
  for (const [backend, bound] of [[adapter, 4e-6], [oracle, 1e-8]] as const) { // 9 digits in the file
    for (const chunk of [1, 5, v.length]) {
      const found = Float64Array.from(await inChunks(chains, chunk, backend));
      const error = largestRelative(found, Float64Array.from(g));
      assert(error <= bound, `chunks of ${chunk}: off by ${error} > ${bound}`);
    }
  }
});

Deno.test("bkCoreStream() still agrees with dense solutions by NumPy after 1024 sites", async () => {
  const { n, eta, lambda, sites, g } = golden.long_chain;
  const v = congruential({ seed: 31, count: n }, (u) => 6 * u - 3);
  const found = await inChunks({ shape: [1, 1, n], v, p: 1, eta: [eta], lambda }, 100);
  const seen = sites.flatMap((i) => found.slice(2 * i, 2 * i + 2));
  const error = largestRelative(Float64Array.from(seen), Float64Array.from(g));
  assert(error <= 4e-6, `off by ${error}`);
});

Deno.test("bkCoreStream() refuses several couplings and a state of another shape", () => {
  const graph = new Graph();
  const input = (name: string, ...shape: number[]) => graph.input(name, f32(...shape));
  const fitting = {
    v: input("v", 2, 3, 5),
    p: input("p", 1),
    eta: input("eta", 3),
    lambda: input("lambda", 1),
    entry: input("entry", 2, 3, 4),
  };
  assertEquals(bkCoreStream(fitting).g.type.shape, [2, 3, 5, 2]);
  assertEquals(bkCoreStream(fitting).exit.type.shape, [2, 3, 4]);
  const refused = { p: input("p4", 4), eta: input("eta2", 2), entry: input("entry2", 2, 3, 2) };
  for (const [name, tensor] of Object.entries(refused)) {
    assertThrows(() => bkCoreStream({ ...fitting, [name]: tensor }), ShapeError, name);
  }
});
