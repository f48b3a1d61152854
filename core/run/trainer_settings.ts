import type { UnitConfig } from "../manifest/unit_config.ts";
import type { TrainerSettings } from "../train/trainer.ts";

/** How the trainer of a unit is set up. */
export function trainerSettings(
  config: UnitConfig,
  data: { readonly vocabularySize: number },
): TrainerSettings {
  const { train, model, seqLen, seed } = config;
  const accumulation = train.gradientAccumulationSteps ?? 1;
  return {
    model,
    shape: { batch: train.tokensPerStep / (seqLen * accumulation), seqLen },
    accumulation,
    checkpointing: train.gradientCheckpointing ?? false,
    activationStorage: train.mixedPrecision ? "f16" : "f32",
    offloadMoments: train.cpuOffloading ?? false,
    vocabularySize: data.vocabularySize,
    seed,
    optimiser: {
      weightDecay: train.weightDecay,
      beta1: train.beta1,
      beta2: train.beta2,
      gradClip: train.gradClip,
    },
    schedule: {
      steps: train.steps,
      warmupSteps: train.warmupSteps,
      learningRate: train.learningRate,
    },
  };
}
