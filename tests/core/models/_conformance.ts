/** What every model of the registry must show; conformance_test.ts runs it over all of them. */
import { assert, assertEquals } from "@std/assert";
import { expectCausality, firstLogits } from "../../../core/evaluate/check_model.ts";
import type { BatchShape } from "../../../core/models/model.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { bits, stream } from "../../../core/random/streams.ts";
import { createTrainer, type TrainerSettings } from "../../../core/train/trainer.ts";
import { EXAMPLE } from "./_mixers.ts";
import { resnetBk } from "./_resnet_bk.ts";

export const VOCABULARY = 61;

/** Small configurations of every kind, at awkward sizes. */
export const CONFIGS: readonly ModelConfig[] = [
  resnetBk({
    dModel: 20,
    nLayers: 2,
    tieHead: true,
    bkChannels: 3,
    numExperts: 3,
    topK: 1,
    vMax: 3,
    etaInit: 1,
    etaMin: 1e-3,
  }),
  resnetBk({
    dModel: 16,
    nLayers: 1,
    tieHead: false,
    bkChannels: 1,
    numExperts: 4,
    topK: 2,
    vMax: 3,
    etaInit: 0.1,
    etaMin: 1e-3,
  }),
  resnetBk({
    dModel: 24,
    nLayers: 2,
    tieHead: true,
    mixer: "resolvent",
    bkChannels: 3,
    coupling: "learned",
    numExperts: 3,
    gumbel: 0.5,
    gumbelSchedule: "linear",
    gumbelSteps: 20,
    epsilonSchedule: "cosine",
    epsilonSteps: 20,
  }, "sound"),
  resnetBk({
    dModel: 16,
    nLayers: 1,
    tieHead: true,
    bkChannels: 2,
    router: "scattering",
    topK: 2,
    numExperts: 4,
  }, "sound"),
  resnetBk({ dModel: 28, nLayers: 1, tieHead: true, block: "symplectic", bkChannels: 2 }, "sound"),
  {
    kind: "resolvent-block",
    dModel: 12,
    nLayers: 2,
    tieHead: true,
    nHeads: 3,
    vMax: 3,
    etaMin: 1e-3,
    etaLow: 0.01,
    etaHigh: 1,
    etaDynamic: false,
    mixerNorm: "none",
  },
  {
    kind: "resolvent-block",
    dModel: 10,
    nLayers: 1,
    tieHead: false,
    nHeads: 4,
    vMax: 3,
    etaMin: 1e-3,
    etaLow: 0.05,
    etaHigh: 1,
    etaDynamic: true,
    mixerNorm: "ward",
  },
  EXAMPLE,
  { kind: "transformer", dModel: 24, nLayers: 2, tieHead: true, nHeads: 3 },
  { kind: "transformer", dModel: 16, nLayers: 1, tieHead: false, nHeads: 4 },
];

/** Token ids from a fixed stream, (count). */
export function someTokens(name: string, count: number): Int32Array<ArrayBuffer> {
  const from = stream(5, name);
  return Int32Array.from(
    { length: count },
    (_, index) => bits(from, { step: 0, index }) % VOCABULARY,
  );
}

export function settingsOf(model: ModelConfig, options: {
  readonly shape: BatchShape;
  readonly steps: number;
  readonly learningRate?: number;
}): TrainerSettings {
  return {
    model,
    shape: options.shape,
    vocabularySize: VOCABULARY,
    seed: 42,
    optimiser: { weightDecay: 0, beta1: 0.9, beta2: 0.99, gradClip: 1 },
    schedule: { steps: options.steps, warmupSteps: 5, learningRate: options.learningRate ?? 1e-2 },
  };
}

/** Logits (B N, V) of a model with its initial parameters for seed 42. */
export function logitsOf(model: ModelConfig, options: {
  readonly backend: Backend;
  readonly shape: BatchShape;
  readonly tokens: Int32Array;
}): Promise<Float64Array> {
  const { backend, ...input } = options;
  return firstLogits({ model, backend }, { ...input, vocabularySize: VOCABULARY });
}

/** Changing a token changes no earlier logit, bit for bit. */
export function checkCausality(
  model: ModelConfig,
  { backend, seqLen }: { readonly backend: Backend; readonly seqLen: number },
): Promise<void> {
  return expectCausality({ model, backend }, { lengths: [seqLen] });
}

/** 64 tokens are learned by heart. */
export async function checkOverfit(model: ModelConfig, backend: Backend): Promise<void> {
  const shape = { batch: 1, seqLen: 64 };
  const ids = someTokens("overfit", 65);
  const batch = { tokens: ids.slice(0, 64), targets: ids.slice(1) };
  const steps = 400;
  const trainer = await createTrainer(backend, settingsOf(model, { shape, steps }));
  try {
    const rows = await trainer.advance(() => batch, { from: 0, to: steps });
    const first = rows[0].loss;
    const last = rows[steps - 1].loss;
    // The first loss is ln V because initial logits are small; 2 % is the gate every campaign uses.
    assert(
      Math.abs(first - Math.log(VOCABULARY)) <= 0.02 * Math.log(VOCABULARY),
      `first loss ${first}`,
    );
    assert(last < 0.05, `loss ${last} after ${steps} updates`);
  } finally {
    trainer.destroy();
  }
}

/** Same seed, same bytes; another seed, other bytes; saved and loaded, the run goes on with the same bytes. */
export async function checkRepeatability(model: ModelConfig, backend: Backend): Promise<void> {
  const shape = { batch: 2, seqLen: 16 };
  const settings = settingsOf(model, { shape, steps: 12 });
  const batches = (step: number) => ({
    tokens: someTokens(`tokens${step}`, 32),
    targets: someTokens(`targets${step}`, 32),
  });
  const run = async (from: number, resumed?: Awaited<ReturnType<typeof half>>) => {
    const trainer = await createTrainer(backend, settings);
    try {
      if (resumed) trainer.restore(resumed);
      await trainer.advance(batches, { from, to: 12 });
      return (await trainer.save(12)).param;
    } finally {
      trainer.destroy();
    }
  };
  const half = async () => {
    const trainer = await createTrainer(backend, settings);
    try {
      await trainer.advance(batches, { from: 0, to: 5 });
      return await trainer.save(5);
    } finally {
      trainer.destroy();
    }
  };
  const whole = await run(0);
  assertEquals(await run(0), whole, "a second run differs");
  assertEquals(await run(5, await half()), whole, "a resumed run differs");
}
