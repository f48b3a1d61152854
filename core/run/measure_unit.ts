/** Numbers that a finished unit adds to its loss: hits of a task, angles between gradients. */
import { evaluateHits } from "../evaluate/accuracy.ts";
import {
  cosineOf,
  type GradientCosines,
  gradientsAt,
  type ModelPoint,
} from "../evaluate/gradient_cosine.ts";
import type { UnitConfig } from "../manifest/unit_config.ts";
import type { ModelConfig } from "../models/registry.ts";
import type { Backend } from "../plan/backend.ts";
import { initialParameters, initialStates } from "../train/initial_parameters.ts";
import type { Trainer, TrainerSettings } from "../train/trainer.ts";
import type { UnitData } from "./load_unit_data.ts";
import { unitWindows } from "./unit_batches.ts";

/** What is measured, and with which parameters. */
export interface MeasureOptions {
  readonly backend: Backend;
  readonly config: UnitConfig;
  readonly settings: TrainerSettings;
  readonly data: UnitData;
  /** The trained model. */
  readonly trainer: Trainer;
}

/**
 * By metric name: "accuracy/<group>" and "accuracy/all" of a task; "cosine/<scope>/initial" and ".../trained" where
 * `train.gradient_cosine` asks for them, null where a gradient is 0.
 */
export async function measureUnit(
  options: MeasureOptions,
): Promise<Readonly<Record<string, number | null>>> {
  return { ...await accuracies(options), ...await cosines(options) };
}

async function accuracies(
  { backend, config, settings, data, trainer }: MeasureOptions,
): Promise<Readonly<Record<string, number>>> {
  if (data.kind !== "task") return {};
  const { seqLen, train: { evalTokens } } = config;
  const { groups } = data.task;
  const { hits, targets } = await evaluateHits(backend, {
    ...settings,
    parametersOf: trainer.program,
    windows: unitWindows(data, { seqLen, evalTokens }),
    groups: groups.length,
  });
  const total = (counts: readonly number[]): number => counts.reduce((sum, n) => sum + n, 0);
  return {
    "accuracy/all": total(hits) / total(targets),
    ...Object.fromEntries(groups.map((group, k) => [`accuracy/${group}`, hits[k] / targets[k]])),
  };
}

async function cosines(
  options: MeasureOptions,
): Promise<Readonly<Record<string, number | null>>> {
  const { config, settings, trainer } = options;
  if (!config.train.gradientCosine) return {};
  const { plan } = trainer.program;
  const initial = { param: initialParameters(plan, settings.seed), state: initialStates(plan) };
  const before = await cosinesAt(initial, options);
  const after = await cosinesAt(await trainer.save(config.train.steps), options);
  return {
    "cosine/potential/initial": before.potential,
    "cosine/potential/trained": after.potential,
    "cosine/all/initial": before.all,
    "cosine/all/trained": after.all,
  };
}

/** Angles on one batch of validation windows, the same for every arm and seed. */
async function cosinesAt(
  point: ModelPoint,
  { backend, config, settings, data }: MeasureOptions,
): Promise<GradientCosines> {
  const { batch, seqLen } = settings.shape;
  const windows = unitWindows(data, { seqLen, evalTokens: batch * seqLen });
  const at = (model: ModelConfig) =>
    gradientsAt(backend, { ...settings, model, point, batch: windows });
  const own = await at(config.model);
  const exact = await at(withExactGradient(config.model));
  const inPotential = (name: string): boolean => name.includes("/potential/");
  return {
    potential: cosineOf(own, exact, { counts: inPotential }),
    all: cosineOf(own, exact),
  };
}

function withExactGradient(model: ModelConfig): ModelConfig {
  return model.kind === "resnet-bk" ? { ...model, gradMode: "exact" } : model;
}
