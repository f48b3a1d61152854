/** Schedules that training reads: eta by epsilon, the gate's temperature, resuming, and what evaluation finds. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { Batch } from "../../../core/data/cut_windows.ts";
import { createEvaluator } from "../../../core/evaluate/evaluator.ts";
import { gradientsAt } from "../../../core/evaluate/gradient_cosine.ts";
import { openStream } from "../../../core/evaluate/stream.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import type { ResnetBkConfig } from "../../../core/models/resnet_bk.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { checkpointFromBytes, checkpointToBytes } from "../../../core/train/checkpoint_bytes.ts";
import { modelTensors, parameterArena, stateArena } from "../../../core/train/model_tensors.ts";
import { createTrainer, type Trainer, type TrainerSettings } from "../../../core/train/trainer.ts";
import { resnetBk } from "../models/_resnet_bk.ts";
import { assertClose } from "../stats/_assert_close.ts";
import { TRAINING_CASES, trainingBatches } from "./_training_case.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const CASE = TRAINING_CASES.find(({ name }) => name === "resnet_bk")!;
const BATCHES = trainingBatches(CASE);

/** A model whose loss is the cross-entropy alone, so that training and evaluation measure the same. */
function model(change: Partial<ResnetBkConfig>): ModelConfig {
  return resnetBk({
    dModel: 12,
    nLayers: 1,
    tieHead: true,
    bkChannels: 3,
    numExperts: 3,
    ...change,
  });
}

function settingsOf(of: ModelConfig, change: Partial<TrainerSettings> = {}): TrainerSettings {
  return { ...CASE.settings, model: of, diagnostics: true, ...change };
}

/** Runs a trainer and gives its device memory back. */
async function train<T>(
  settings: TrainerSettings,
  use: (trainer: Trainer) => Promise<T>,
  on: Backend = backend,
): Promise<T> {
  const trainer = await createTrainer(on, settings);
  try {
    return await use(trainer);
  } finally {
    trainer.destroy();
  }
}

/** Mean loss of one batch with the trainer's present parameters and states. */
async function evaluated(
  trainer: Trainer,
  settings: TrainerSettings,
  batch: Batch,
): Promise<number> {
  const evaluator = await createEvaluator(backend, { ...settings, parametersOf: trainer.program });
  try {
    return await evaluator.evaluate({ windows: settings.shape.batch, ...batch });
  } finally {
    evaluator.destroy();
  }
}

/** From 1 to 1/4 over three updates; all values are exact. */
const HALVING = {
  epsilonSchedule: "linear",
  epsilonStart: 1,
  epsilonEnd: 0.25,
  epsilonSteps: 3,
} as const satisfies Partial<ResnetBkConfig>;

Deno.test("createTrainer() runs update t + 1 with eta times epsilon(t), eta fixed", async () => {
  const settings = settingsOf(model({ ...HALVING, etaLearned: false, etaInit: 0.5 }));
  await train(settings, async (trainer) => {
    const rows = await trainer.advance(BATCHES, { from: 0, to: 5 });
    const wanted = [0.5, 0.375, 0.25, 0.125, 0.125].map((eta) => [eta, eta, eta]);
    assertEquals(rows.map(({ diagnostics }) => diagnostics["eta/block0"]), wanted);
  });
});

Deno.test("createTrainer() multiplies a learned eta, its floor included, by epsilon", async () => {
  const change = { etaLearned: true, etaInit: 0.5, etaMin: 0.125 };
  const still = { ...CASE.settings.schedule, learningRate: 0 };
  const settings = settingsOf(model({ ...HALVING, ...change }), { schedule: still });
  await train(settings, async (trainer) => {
    const rows = await trainer.advance(BATCHES, { from: 0, to: 4 });
    rows.forEach(({ diagnostics }, t) => {
      for (const eta of diagnostics["eta/block0"]) {
        assertClose([`eta of update ${t + 1}`, eta], 0.5 - 0.125 * t, { relative: 1e-6 });
      }
    });
  });
});

Deno.test("createEvaluator() scores with the epsilon that training reached, as the next update does", async () => {
  const fixed = { etaLearned: false, etaInit: 0.5 };
  const settings = settingsOf(model({ ...HALVING, ...fixed }));
  await train(settings, async (trainer) => {
    const first = await evaluated(trainer, settings, BATCHES(0));
    const [row] = await trainer.advance(BATCHES, { from: 0, to: 1 });
    assertClose(["before the first update", first], row.loss, { relative: 1e-6 });
    const second = await evaluated(trainer, settings, BATCHES(1));
    // The same parameters in a model that has no schedule, with the eta that follows by hand.
    const { param, state } = await trainer.save(1);
    assertEquals([...state.subarray(0, 1)], [0.75]);
    for (const [etaInit, same] of [[0.375, true], [0.5, false]] as const) {
      const plain = settingsOf(model({ etaLearned: false, etaInit }));
      const loss = await train(plain, async (other) => {
        other.program.write("param", param);
        return await evaluated(other, plain, BATCHES(1));
      });
      assertEquals(loss === second, same, `eta ${etaInit} gives ${loss}, the schedule ${second}`);
    }
    const [next] = await trainer.advance(BATCHES, { from: 1, to: 2 });
    assertClose(["before the second update", second], next.loss, { relative: 1e-6 });
  });
});

Deno.test("openStream() of a saved model has the epsilon that training reached, also in a new plan", async () => {
  const settings = settingsOf(model({ ...HALVING, etaInit: 0.2 }), { diagnostics: false });
  const { vocabularySize } = settings;
  const saved = await train(settings, async (trainer) => {
    await trainer.advance(BATCHES, { from: 0, to: 2 });
    const loss = await evaluated(trainer, settings, BATCHES(2));
    const { param, state } = await trainer.save(2);
    return { loss, tensors: modelTensors(trainer.program.plan, { param, state }) };
  });
  const { tokens, targets } = BATCHES(2);
  const { batch, seqLen } = settings.shape;
  const lossOf = async (keepStates: boolean): Promise<number> => {
    const tensors = keepStates ? saved.tensors : { ...saved.tensors, states: new Map() };
    const stream = await openStream(backend, {
      model: settings.model,
      vocabularySize,
      batch,
      positions: "all",
      chunks: [5, 1],
      start: (plan) => ({ param: parameterArena(plan, tensors), state: stateArena(plan, tensors) }),
    });
    try {
      const logits = await stream.push(tokens);
      return meanLoss(logits, targets, vocabularySize);
    } finally {
      stream.destroy();
    }
  };
  assertEquals(tokens.length, batch * seqLen);
  assertClose(["loss of the stream", await lossOf(true)], saved.loss, { relative: 1e-5 });
  const forgotten = await lossOf(false);
  assert(Math.abs(forgotten - saved.loss) > 1e-4, `without its state it is ${forgotten} as well`);
});

/** Mean cross-entropy of logits (R, V) by definition. */
function meanLoss(logits: Float32Array, targets: Int32Array, classes: number): number {
  let total = 0;
  targets.forEach((target, row) => {
    const scores = logits.subarray(row * classes, (row + 1) * classes);
    total += Math.log(scores.reduce((sum, s) => sum + Math.exp(s), 0)) - scores[target];
  });
  return total / targets.length;
}

Deno.test("createTrainer() gives the same bytes resumed in the midst of both schedules, three micro-batches", async () => {
  const both = model({
    ...HALVING,
    epsilonSchedule: "cosine",
    epsilonSteps: 6,
    gumbel: 1,
    gumbelSchedule: "exponential",
    gumbelEnd: 0.1,
    gumbelSteps: 6,
  });
  const { batch, seqLen } = CASE.settings.shape;
  const settings = settingsOf(both, { accumulation: 3, shape: { batch: batch / 3, seqLen } });
  const whole = await train(settings, async (trainer) => {
    const rows = await trainer.advance(BATCHES, { from: 0, to: 8 });
    return { rows, state: await trainer.save(8) };
  });
  const checkpoint = await train(settings, async (trainer) => {
    await trainer.advance(BATCHES, { from: 0, to: 3 });
    const origin = { planDigest: trainer.planDigest, engine: "test", leaks: false };
    return checkpointFromBytes(checkpointToBytes(await trainer.save(3), origin), origin)!;
  });
  const resume = (state: Float32Array) =>
    train(settings, async (trainer) => {
      trainer.restore({ ...checkpoint, state });
      const rows = await trainer.advance(BATCHES, { from: 3, to: 8 });
      return { rows, state: await trainer.save(8) };
    });
  const resumed = await resume(checkpoint.state);
  assertEquals(resumed.state, whole.state);
  assertEquals(resumed.rows, whole.rows.slice(3));
  // The state is what the update after a checkpoint reads: another one gives another loss.
  const spoilt = await resume(checkpoint.state.map((value) => 2 * value));
  assertNotEquals(spoilt.rows[0].loss, whole.rows[3].loss);
  // Behind it the schedule is a function of the update alone again.
  assertEquals(spoilt.rows[1].diagnostics["eta/block0"].length, 3);
  assertEquals(spoilt.state.state, whole.state.state);
});

Deno.test("createTrainer() gives the same bytes of a scheduled run by every kind of plan, and the f64 reference's losses", async () => {
  const both = model({
    ...HALVING,
    etaInit: 0.3,
    block: "symplectic",
    gumbel: 0.5,
    gumbelSchedule: "cosine",
    gumbelSteps: 3,
  });
  const run = (change: Partial<TrainerSettings>, on: Backend = backend) =>
    train(settingsOf(both, change), async (trainer) => {
      const rows = await trainer.advance(BATCHES, { from: 0, to: 5 });
      return { losses: rows.map(({ loss }) => loss), end: await trainer.save(5) };
    }, on);
  const plain = await run({});
  assertEquals([...plain.end.state.subarray(0, 1)], [0.25]);
  assertEquals(await run({ checkpointing: true }), plain);
  assertEquals(await run({ offloadMoments: true }), plain);
  const reference = referenceBackend({ precision: "f64" });
  const { losses } = await run({}, reference);
  reference.destroy();
  losses.forEach((loss, k) => {
    assertClose([`loss ${k + 1}`, plain.losses[k]], loss, { relative: 1e-3 });
  });
});

Deno.test("createTrainer() draws with the temperature of the update, which the schedule moves", async () => {
  const noisy = { gumbel: 1, gumbelSchedule: "linear", gumbelSteps: 1 } as const;
  const lossesOf = (change: Partial<ResnetBkConfig>) =>
    train(settingsOf(model(change)), async (trainer) => {
      const rows = await trainer.advance(BATCHES, { from: 0, to: 3 });
      return rows.map(({ loss }) => loss);
    });
  const constant = await lossesOf({ gumbel: 1 });
  const falling = await lossesOf({ ...noisy, gumbelEnd: 0.25 });
  // Kernels may round a product with a constant otherwise than one with a value that is read.
  const near = { relative: 1e-6 };
  assertClose(["the first loss", falling[0]], constant[0], near);
  assert(Math.abs(falling[1] - constant[1]) > 1e-4 * constant[1], "the temperature is not read");
  // From the first update on at its end: a run at that temperature with the same parameters.
  const settings = settingsOf(model({ ...noisy, gumbelEnd: 0.25 }));
  const saved = await train(settings, async (trainer) => {
    await trainer.advance(BATCHES, { from: 0, to: 1 });
    return await trainer.save(1);
  });
  const colder = await train(settingsOf(model({ gumbel: 0.25 })), async (trainer) => {
    trainer.program.write("param", saved.param);
    const [{ loss }] = await trainer.advance(BATCHES, { from: 1, to: 2 });
    return loss;
  });
  assertClose(["the loss at the second temperature", colder], falling[1], near);
});

Deno.test("gradientsAt() takes the epsilon of the point and leaves it", async () => {
  const fixed = { etaLearned: false, etaInit: 0.5 };
  const batch = BATCHES(0);
  const { shape, vocabularySize } = CASE.settings;
  const param = await train(
    settingsOf(model(fixed)),
    async (trainer) => (await trainer.save(0)).param,
  );
  const gradients = async (
    of: ModelConfig,
    state: Float32Array,
  ) => [
    ...await gradientsAt(backend, {
      model: of,
      shape,
      vocabularySize,
      batch,
      point: { param, state },
    }),
  ];
  const none = new Float32Array(0);
  const scheduled = model({ ...HALVING, ...fixed });
  const plain = await gradients(model({ ...fixed, etaInit: 0.375 }), none);
  const state = await train(
    settingsOf(scheduled),
    async (trainer) => (await trainer.save(0)).state,
  );
  state[0] = 0.75;
  assertEquals(await gradients(scheduled, state), plain);
  state[0] = 1;
  assertNotEquals(await gradients(scheduled, state), plain);
});
