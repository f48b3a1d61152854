/** What `train --dry-run` says: sizes, updates, memory, and hours predicted from a few updates. */
import { modelOf } from "../models/registry.ts";
import type { Backend } from "../plan/backend.ts";
import { calibrateUnit } from "../run/calibrate.ts";
import type { Clock } from "../run/clock.ts";
import { formatSeconds } from "../run/format_seconds.ts";
import { trainerSettings } from "../run/trainer_settings.ts";
import { parameterCount, trainingPlan } from "../train/training_graph.ts";
import { trainingUnit, type TrainSetup } from "./train_setup.ts";
import { unfinishedSchedules } from "./unfinished_schedules.ts";

/** The plan of a run as it is printed with `--json`. */
export interface TrainingPlanFacts {
  readonly model: string;
  readonly leaks: boolean;
  readonly parameters: number;
  readonly vocabulary_size: number;
  readonly training_tokens: number;
  readonly epochs: number;
  readonly steps: number;
  readonly steps_per_epoch: number;
  readonly tokens_per_step: number;
  /** Schedules of the model that training ends before. */
  readonly unfinished_schedules: readonly string[];
  /** Memory areas of the training program. */
  readonly bytes: number;
  readonly backend: string;
  readonly adapter: string | null;
  readonly predicted_seconds: number;
  readonly predicted_hours: number;
}

/** Plans a run, and runs a few of its updates to predict its time. */
export async function planTraining(
  setup: TrainSetup,
  options: { readonly backend: Backend; readonly clock: Clock },
): Promise<TrainingPlanFacts> {
  const { config, data, epochs, stepsPerEpoch } = setup;
  const plan = trainingPlan({ ...trainerSettings(config, data), diagnostics: true });
  const { steps, tokensPerStep } = config.train;
  const cost = await calibrateUnit(trainingUnit(setup), { ...options, data });
  const seconds = cost.seconds + cost.compileSeconds;
  const { name, adapter } = options.backend.facts;
  return {
    model: config.model.kind,
    leaks: !modelOf(config.model).isCausal(config.model),
    parameters: parameterCount(plan),
    vocabulary_size: data.vocabularySize,
    training_tokens: data.train.length,
    epochs,
    steps,
    steps_per_epoch: stepsPerEpoch,
    tokens_per_step: tokensPerStep,
    unfinished_schedules: unfinishedSchedules(config),
    bytes: Object.values(plan.arenaBytes).reduce((sum, bytes) => sum + bytes, 0),
    backend: name,
    adapter: adapter?.description ?? null,
    predicted_seconds: seconds,
    predicted_hours: seconds / 3600,
  };
}

/** The same for people. */
export function trainingPlanLines(plan: TrainingPlanFacts): readonly string[] {
  const count = (value: number): string => value.toLocaleString("en-US");
  return [
    `model       ${plan.model}, ${count(plan.parameters)} parameters${plan.leaks ? ", LEAKS" : ""}`,
    `text        ${count(plan.training_tokens)} training tokens, V = ${
      count(plan.vocabulary_size)
    }`,
    `steps       ${count(plan.steps)} of ${
      count(plan.tokens_per_step)
    } tokens: ${plan.epochs} epochs of ` +
    `${count(plan.steps_per_epoch)}`,
    ...plan.unfinished_schedules.map((line) => `schedule    ${line}`),
    `memory      ${(plan.bytes / 2 ** 20).toFixed(1)} MB on the device`,
    `backend     ${plan.backend}${plan.adapter === null ? "" : `, ${plan.adapter}`}`,
    `predicted   ${plan.predicted_hours.toFixed(2)} hours (${
      formatSeconds(plan.predicted_seconds)
    }) with a validation after each epoch`,
  ];
}
