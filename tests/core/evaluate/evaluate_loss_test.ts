import { assert, assertEquals, assertRejects } from "@std/assert";
import type { EvaluationWindows } from "../../../core/data/evaluation_windows.ts";
import { DataError, InterruptedError } from "../../../core/errors.ts";
import { evaluateLoss } from "../../../core/evaluate/evaluate_loss.ts";
import { evaluationPlan, logitsPlan } from "../../../core/evaluate/evaluation_plan.ts";
import { createEvaluator } from "../../../core/evaluate/evaluator.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { initialParameters } from "../../../core/train/initial_parameters.ts";
import { createTrainer } from "../../../core/train/trainer.ts";
import { CONFIGS, logitsOf, settingsOf, someTokens, VOCABULARY } from "../models/_conformance.ts";
import { assertClose } from "../stats/_assert_close.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());
const oracle = referenceBackend({ precision: "f64" });

const LENGTH = 9;

function windowsOf(count: number): EvaluationWindows {
  const ids = someTokens("windows", count * LENGTH + 1);
  return { windows: count, tokens: ids.slice(0, -1), targets: ids.slice(1) };
}

async function lossOf(model: ModelConfig, options: {
  readonly on: Backend;
  readonly batch: number;
  readonly windows: EvaluationWindows;
  readonly slots?: number;
}): Promise<number> {
  const { on, batch, windows, slots = 16 } = options;
  const shape = { batch, seqLen: LENGTH };
  const plan = evaluationPlan({ model, shape, vocabularySize: VOCABULARY });
  const program = await on.compile(plan);
  try {
    program.write("param", initialParameters(plan, 42));
    return await evaluateLoss(program, { windows, shape, slots });
  } finally {
    program.destroy();
  }
}

/** -log softmax(logits)[target], averaged over targets that are not -100: the definition, window by window. */
async function lossByDefinition(model: ModelConfig, windows: EvaluationWindows): Promise<number> {
  const shape = { batch: windows.windows, seqLen: LENGTH };
  const logits = await logitsOf(model, { backend: oracle, shape, tokens: windows.tokens });
  let total = 0;
  let count = 0;
  windows.targets.forEach((target, row) => {
    if (target === -100) return;
    count++;
    const z = logits.subarray(row * VOCABULARY, (row + 1) * VOCABULARY);
    total += Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0)) - z[target];
  });
  return total / count;
}

for (const model of [CONFIGS[1], CONFIGS[3]]) {
  Deno.test(`evaluateLoss() is the mean over all tokens, full and padded last batches, ${model.kind}`, async () => {
    const windows = windowsOf(7);
    const want = await lossByDefinition(model, windows);
    for (const batch of [1, 3, 7, 8]) {
      // The loss of a batch leaves the interpreter as f32.
      assertClose([`batch ${batch}`, await lossOf(model, { on: oracle, batch, windows })], want, {
        relative: 1e-7,
      });
      assertClose([`batch ${batch}`, await lossOf(model, { on: backend, batch, windows })], want, {
        relative: 1e-6,
      });
    }
  });

  Deno.test(`evaluateLoss() leaves ignored targets out of sum and count, ${model.kind}`, async () => {
    const windows = windowsOf(7);
    // The second window has no target at all, the others lose every third.
    windows.targets.fill(-100, LENGTH, 2 * LENGTH);
    windows.targets.forEach((_, row) => row % 3 === 1 && (windows.targets[row] = -100));
    const want = await lossByDefinition(model, windows);
    for (const batch of [1, 3, 8]) {
      assertClose([`batch ${batch}`, await lossOf(model, { on: oracle, batch, windows })], want, {
        relative: 1e-7,
      });
    }
    windows.targets.fill(-100);
    await assertRejects(
      () => lossOf(model, { on: oracle, batch: 3, windows }),
      DataError,
      "every target is ignored",
    );
  });

  Deno.test(`evaluateLoss() gives the same bits however often the ring is read, ${model.kind}`, async () => {
    const windows = windowsOf(35);
    const want = await lossOf(model, { on: backend, batch: 2, windows });
    for (const slots of [1, 7]) {
      assertEquals(await lossOf(model, { on: backend, batch: 2, windows, slots }), want);
    }
  });
}

Deno.test("evaluateLoss() ends at the batch in which its signal comes", async () => {
  const shape = { batch: 1, seqLen: LENGTH };
  const plan = evaluationPlan({ model: CONFIGS[3], shape, vocabularySize: VOCABULARY });
  const program = await oracle.compile(plan);
  program.write("param", initialParameters(plan, 42));
  const stop = new AbortController();
  let steps = 0;
  const counted = {
    ...program,
    step: (inputs: Parameters<typeof program.step>[0]) => {
      if (++steps === 2) stop.abort();
      return program.step(inputs);
    },
    readArenas: program.readArenas.bind(program),
  };
  const options = { windows: windowsOf(5), shape, slots: 16, signal: stop.signal };
  await assertRejects(() => evaluateLoss(counted, options), InterruptedError);
  assertEquals(steps, 2);
  program.destroy();
});

for (const model of [CONFIGS[0], CONFIGS[2]]) {
  Deno.test(`logitsPlan() gives a sequence the same bits whatever its neighbours, ${model.kind}`, async () => {
    const sequence = someTokens("sequence", LENGTH);
    const size = LENGTH * VOCABULARY;
    const alone = await logitsOf(model, {
      backend,
      shape: { batch: 1, seqLen: LENGTH },
      tokens: sequence,
    });
    for (const [batch, row] of [[3, 0], [3, 2], [8, 0], [8, 5], [8, 7]]) {
      const tokens = someTokens("neighbours", batch * LENGTH);
      tokens.set(sequence, row * LENGTH);
      const all = await logitsOf(model, { backend, shape: { batch, seqLen: LENGTH }, tokens });
      assertEquals(all.subarray(row * size, (row + 1) * size), alone, `row ${row} of ${batch}`);
    }
  });
}

Deno.test("createEvaluator() scores the present parameters of the program it borrows from", async () => {
  const model = CONFIGS[3];
  const shape = { batch: 2, seqLen: LENGTH };
  const windows = windowsOf(2);
  const trainer = await createTrainer(backend, settingsOf(model, { shape, steps: 30 }));
  const evaluator = await createEvaluator(backend, {
    model,
    shape,
    vocabularySize: VOCABULARY,
    parametersOf: trainer.program,
  });
  try {
    const before = await evaluator.evaluate(windows);
    assertEquals(before, await lossOf(model, { on: backend, batch: 2, windows }));
    const rows = await trainer.advance(() => windows, { from: 0, to: 30 });
    assertEquals(rows[0].loss, before); // the same batch, before the first update
    const after = await evaluator.evaluate(windows);
    assert(after < 0.8 * before, `from ${before} to ${after}`);
    // Evaluating trains nothing.
    assertEquals(await evaluator.evaluate(windows), after);
    const tokens = windows.tokens.with(4, VOCABULARY);
    await assertRejects(
      () => evaluator.evaluate({ ...windows, tokens }),
      DataError,
      `got ${VOCABULARY} at position 4`,
    );
  } finally {
    evaluator.destroy();
    trainer.destroy();
  }
});

Deno.test("evaluationPlan() and logitsPlan() compute no gradient and keep no optimiser state", () => {
  const options = { model: CONFIGS[0], shape: { batch: 2, seqLen: 4 }, vocabularySize: VOCABULARY };
  for (const plan of [evaluationPlan(options), logitsPlan(options)]) {
    assertEquals([plan.arenaBytes.grad, plan.arenaBytes.m, plan.arenaBytes.v], [0, 0, 0]);
    assertEquals(
      plan.steps.filter(({ op }) => op.name.includes("vjp")).map(({ label }) => label),
      [],
    );
  }
});
