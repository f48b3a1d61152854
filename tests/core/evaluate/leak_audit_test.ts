/** Toys whose leak is known in closed form, and models of the registry. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { evaluationWindows } from "../../../core/data/evaluation_windows.ts";
import { NumericError, StoreError } from "../../../core/errors.ts";
import {
  auditCausality,
  type AuditedModel,
  auditGain,
  auditText,
} from "../../../core/evaluate/leak_audit.ts";
import { leakGain, prefixLengths } from "../../../core/evaluate/leak_gain.ts";
import { rowLossesPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { perturbTokens, probedPositions } from "../../../core/evaluate/perturb_tokens.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import type { BatchShape } from "../../../core/models/model.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import { add } from "../../../core/ops/add.ts";
import { chunkedCrossEntropy } from "../../../core/ops/chunked_cross_entropy.ts";
import { embedding } from "../../../core/ops/embedding.ts";
import { pad } from "../../../core/ops/pad.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { scale } from "../../../core/ops/scale.ts";
import { slice } from "../../../core/ops/slice.ts";
import type { Program } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { initialParameters, initialStates } from "../../../core/train/initial_parameters.ts";
import { modelTensors } from "../../../core/train/model_tensors.ts";
import { CONFIGS, someTokens, VOCABULARY } from "../models/_conformance.ts";
import { assertClose } from "../stats/_assert_close.ts";

const oracle = referenceBackend({ precision: "f64" });
const V = 7;

/** What position i reads, from one-hot tokens (B, N, V). */
type Toy = (tokens: Tensor) => Tensor;

/** One-hot of the token after: nothing else can be said to leak more. The last position reads zeros. */
const readsNext: Toy = (x) =>
  pad(slice(x, { axis: 1, from: 1, to: x.type.shape[1] }), { axis: 1, before: 0, after: 1 });
/** Half of the token before, all of its own. */
const readsPast: Toy = (x) =>
  add(
    x,
    scale(
      pad(slice(x, { axis: 1, from: 0, to: x.type.shape[1] - 1 }), {
        axis: 1,
        before: 1,
        after: 0,
      }),
      0.5,
    ),
  );
/** Pairs (2m, 2m + 1) share what they read: only the odd token of a pair leaks, into the even one. */
const readsPair: Toy = (x) => {
  const [batch, seqLen, width] = x.type.shape;
  const pairs = reshape(x, [batch, seqLen / 2, 2 * width]);
  const odd = slice(pairs, { axis: 2, from: width, to: 2 * width });
  return add(x, reshape(pad(odd, { axis: 2, before: 0, after: width }), x.type.shape));
};

/** Logits are what a toy reads, row losses those of `GAIN` times as much. */
const GAIN = 2;

async function toyProgram(toy: Toy, { batch, seqLen }: BatchShape): Promise<Program> {
  const graph = new Graph();
  const identity = Array.from({ length: V * V }, (_, i) => i % (V + 1) === 0 ? 1 : 0);
  const table = graph.parameter("one_hot", {
    type: f32(V, V),
    initial: { kind: "values", values: identity },
    decay: false,
  });
  const tokens = graph.input("tokens", i32(batch, seqLen));
  const targets = graph.input("targets", i32(batch * seqLen));
  const read = reshape(toy(embedding(table, tokens)), [batch * seqLen, V]);
  graph.output("logits", read);
  graph.output(
    "row_losses",
    chunkedCrossEntropy(scale(read, GAIN), { head: table, targets }).rowLosses,
  );
  const plan = compilePlan(graph);
  const program = await oracle.compile(plan);
  program.write("param", initialParameters(plan, 0));
  return program;
}

async function probeToy(toy: Toy, seqLen: number, values?: number) {
  const shape = { batch: 2, seqLen };
  const program = await toyProgram(toy, shape);
  if (values !== undefined) {
    program.write("param", new Float32Array(program.plan.arenaBytes.param / 4).fill(values));
  }
  const step = program.step.bind(program);
  const targets = new Int32Array(2 * seqLen);
  const fed = Object.assign(program, {
    step: (inputs: Parameters<Program["step"]>[0]) => step({ ...inputs, targets }),
  });
  return await perturbTokens(fed, { shape, vocabularySize: V, classes: V });
}

/** Position 5 of a sequence also reads token 6; no other position reads ahead. */
const readsAtOneSpot: Toy = (x) => {
  const [, seqLen] = x.type.shape;
  const spot = slice(x, { axis: 1, from: 6, to: 7 });
  return add(x, pad(spot, { axis: 1, before: 5, after: seqLen - 6 }));
};

/** The first position also reads the last token. */
const readsTheLast: Toy = (x) => {
  const [, seqLen] = x.type.shape;
  const last = slice(x, { axis: 1, from: seqLen - 1, to: seqLen });
  return add(x, pad(last, { axis: 1, before: 0, after: seqLen - 1 }));
};

const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);

Deno.test("probedPositions() are all after the first of a short sequence, and of one that fits four batches", () => {
  assertEquals(probedPositions({ batch: 2, seqLen: 17 }), upTo(16));
  assertEquals(probedPositions({ batch: 11, seqLen: 23 }), upTo(22));
  assertEquals(probedPositions({ batch: 32, seqLen: 129 }), upTo(128));
  assertEquals(probedPositions({ batch: 2, seqLen: 2 }), [1]);
  assertEquals(probedPositions({ batch: 2, seqLen: 1 }), [0]);
});

Deno.test("probedPositions() are spread over a long sequence, with both ends and neighbours in the middle", () => {
  for (
    const [batch, seqLen, count] of [[2, 18, 16], [2, 512, 16], [20, 512, 80], [1, 100_000, 16]]
  ) {
    const positions = probedPositions({ batch, seqLen });
    assertEquals(new Set(positions).size, count);
    const inside = positions.every((position) => position >= 1 && position < seqLen);
    assert(inside, positions.join());
    for (const position of [1, seqLen / 2, seqLen / 2 + 1, seqLen - 1]) {
      assert(positions.includes(position), `${position} of ${seqLen}`);
    }
    // One is drawn from each of count - 4 equal parts: no gap is longer than two of them and what stands between.
    const gaps = positions.slice(1).map((position, i) => position - positions[i]);
    const longest = Math.max(...gaps);
    assert(longest <= 2 * Math.ceil(seqLen / (count - 4)) + 4, `gap ${longest} of ${seqLen}`);
  }
});

Deno.test("perturbTokens() finds what a toy that reads its next token leaks, at every position", async () => {
  // A changed token moves two logits of the position before it by exactly one: its old and its new class.
  const probes = await probeToy(readsNext, 17);
  assertEquals(probes.map(({ position }) => position), upTo(16));
  for (const { position, changed, largestChange } of probes) {
    assertEquals([changed, largestChange], [2, 1], `position ${position}`);
  }
});

Deno.test("perturbTokens() finds a leak of one token into one position", async () => {
  const probes = await probeToy(readsAtOneSpot, 17);
  const found = probes.filter(({ changed }) => changed > 0);
  assertEquals(found, [{ position: 6, changed: 2, largestChange: 1 }]);
});

Deno.test("perturbTokens() finds a leak of the last token into the first position from wherever tokens change", async () => {
  const probes = await probeToy(readsTheLast, 200);
  assertEquals(probes.length, 16);
  // The definition of the toy: two classes of the first position move by one.
  for (const probe of probes) assertEquals([probe.changed, probe.largestChange], [2, 1]);
});

Deno.test("perturbTokens() finds nothing where a toy reads the past alone", async () => {
  const probes = await probeToy(readsPast, 23);
  assertEquals(probes.map(({ changed, largestChange }) => [changed, largestChange]), [
    ...Array.from({ length: 16 }, () => [0, 0]),
  ]);
});

Deno.test("perturbTokens() meets a leak within pairs, which even positions do not show", async () => {
  const probes = await probeToy(readsPair, 16);
  assertEquals(probes.length, 15);
  for (const { position, changed } of probes) assertEquals(changed > 0, position % 2 === 1);
});

Deno.test("auditText() says how many positions were changed and how many logits compared", () => {
  const probes = upTo(16).map((position) => ({ position, changed: 0, largestChange: 0 }));
  const audit = {
    ...{ seqLen: 512, probes, changed: 0, largestChange: 0 },
    compared: { classes: 1024, of: 30_000 },
  };
  assertEquals(
    auditText(audit),
    "changing tokens at 16 of 512 positions changed no bit of an earlier logit (1,024 of 30,000 logits compared)",
  );
  assertEquals(
    auditText({
      ...audit,
      seqLen: 17,
      changed: 3,
      largestChange: 0.25,
      compared: { classes: 61, of: 61 },
    }),
    "changing tokens at every position after the first of 17 changed earlier logits by up to 0.25",
  );
});

Deno.test("perturbTokens() refuses logits that no token moves, and logits that are not finite", async () => {
  await assertRejects(
    () => probeToy((x) => scale(x, 0), 8),
    NumericError,
    "changed no logit at all",
  );
  await assertRejects(() => probeToy(readsPast, 8, NaN), NumericError, "expected finite");
});

Deno.test("leakGain() is the closed form for a toy that reads its target, and 0 for a causal one", async () => {
  const ids = someTokens("text", 200).map((id) => id % V);
  const windows = evaluationWindows(ids, { seqLen: 17, evalTokens: 170 });
  const options = { windows, shape: { batch: 3, seqLen: 17 } };
  const leak = await leakGain((shape) => toyProgram(readsNext, shape), options);
  // Definition: logits 2 at the target and 0 elsewhere within the window; all 0 where the window ends.
  const usual = Math.log(Math.exp(GAIN) + V - 1) - GAIN;
  assertClose(["usual", leak.usual], usual, { relative: 1e-6 });
  assertClose(["honest", leak.honest], Math.log(V), { relative: 1e-6 });
  assertClose(["gain", leak.nats], Math.log(V) - usual, { relative: 1e-6 });
  assertEquals(leak.targets, 10 * prefixLengths(17).length);
  assert(leak.standardError !== null && leak.standardError < 1e-6);
  const causal = await leakGain((shape) => toyProgram(readsPast, shape), options);
  assertEquals(causal.nats, 0);
  assertEquals(causal.usual, causal.honest);
});

Deno.test("prefixLengths() are a quarter and a half of a window, and at least one token", () => {
  assertEquals(prefixLengths(128), [32, 64]);
  assertEquals(prefixLengths(5), [1, 2]);
  assertEquals(prefixLengths(2), [1]);
});

function freshModel(model: ModelConfig, seqLen: number): AuditedModel {
  const plan = rowLossesPlan({ model, shape: { batch: 1, seqLen }, vocabularySize: VOCABULARY });
  const arenas = { param: initialParameters(plan, 42), state: initialStates(plan) };
  return {
    model,
    vocabularySize: VOCABULARY,
    shape: { batch: 2, seqLen },
    tensors: modelTensors(plan, arenas),
  };
}

const causal = CONFIGS.filter(({ kind }) => kind === "transformer")[0];

Deno.test("auditCausality() and auditGain() find a transformer causal, also where positions are cut", async () => {
  const backend = await webGpuBackend();
  try {
    const audited = freshModel(causal, 64);
    for (const length of [23, 64]) {
      const audit = await auditCausality(backend, { ...audited, length });
      assertEquals([audit.changed, audit.largestChange, audit.probes.length], [0, 0, 16]);
    }
    const windows = evaluationWindows(someTokens("text", 257), { seqLen: 64, evalTokens: 256 });
    const gain = await auditGain(backend, { ...audited, windows });
    // Sums of another length are rounded differently.
    assert(Math.abs(gain.nats) <= 1e-6, `gain ${gain.nats}`);
    await assertRejects(
      () => auditCausality(backend, { ...audited, length: 65 }),
      StoreError,
      '"position"',
    );
  } finally {
    backend.destroy();
  }
});
