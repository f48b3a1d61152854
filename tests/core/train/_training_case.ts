/**
 * Short training runs that PyTorch repeats (tests/golden/training_torch.py): both sides start from the
 * same bytes and see the same batches. Small enough for dense inverses, awkward in every size.
 */
import type { Batch } from "../../../core/data/cut_windows.ts";
import { bits, stream } from "../../../core/random/streams.ts";
import type { TrainerSettings } from "../../../core/train/trainer.ts";
import { resnetBk } from "../models/_resnet_bk.ts";

export interface TrainingCase {
  readonly name: "transformer" | "resnet_bk";
  readonly settings: TrainerSettings;
}

const STEPS = 10;
const OPTIMISER = { weightDecay: 0.1, beta1: 0.9, beta2: 0.99 };

const COMMON = {
  shape: { batch: 3, seqLen: 13 },
  vocabularySize: 29,
  seed: 42,
  schedule: { steps: STEPS, warmupSteps: 3, learningRate: 0.02 },
};

/**
 * One case per kind of model; the heads are tied in one and separate in the other. Each bound on the
 * gradient's norm clips some of the ten updates and not others.
 */
export const TRAINING_CASES: readonly TrainingCase[] = [
  {
    name: "transformer",
    settings: {
      ...COMMON,
      optimiser: { ...OPTIMISER, gradClip: 1 },
      model: { kind: "transformer", dModel: 16, nLayers: 1, tieHead: true, nHeads: 2 },
    },
  },
  {
    name: "resnet_bk",
    settings: {
      ...COMMON,
      optimiser: { ...OPTIMISER, gradClip: 0.8 },
      model: resnetBk({
        dModel: 12,
        nLayers: 1,
        tieHead: false,
        bkChannels: 3,
        numExperts: 3,
        topK: 1,
        vMax: 3,
        etaInit: 0.5,
        etaMin: 1e-3,
      }),
    },
  },
];

/** Batches that can be learned: mostly a fixed successor, a random token now and then. */
export function trainingBatches({ settings }: TrainingCase): (step: number) => Batch {
  const { shape: { batch, seqLen }, vocabularySize } = settings;
  const from = stream(9, "training_case");
  return (step) => {
    const tokens = new Int32Array(batch * seqLen);
    const targets = new Int32Array(batch * seqLen);
    for (let row = 0; row < batch; row++) {
      let token = bits(from, { step, index: 1000 * row }) % vocabularySize;
      for (let i = 0; i < seqLen; i++) {
        const word = bits(from, { step, index: 1000 * row + i + 1 });
        const next = word % 5 === 0
          ? (word >>> 8) % vocabularySize
          : (3 * token + 1) % vocabularySize;
        tokens[row * seqLen + i] = token;
        targets[row * seqLen + i] = next;
        token = next;
      }
    }
    return { tokens, targets };
  };
}
