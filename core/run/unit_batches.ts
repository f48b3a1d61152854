/** Batches and evaluation sets of a unit, from a text or from a task. */
import type { Batch } from "../data/cut_windows.ts";
import {
  type EvaluationOptions,
  type EvaluationWindows,
  evaluationWindows,
} from "../data/evaluation_windows.ts";
import { trainingBatches } from "../data/training_batches.ts";
import type { UnitData } from "./load_unit_data.ts";

/** Training batches of a unit; a pure function of the update, 0-based. */
export function unitBatches(data: UnitData, options: {
  /** N, tokens per sequence. */
  readonly seqLen: number;
  /** B, sequences per batch. */
  readonly batchSize: number;
  readonly seed: number;
}): { readonly at: (step: number) => Batch } {
  return data.kind === "text"
    ? trainingBatches(data.train, options)
    : data.task.trainingBatches(options);
}

/**
 * The sequences that a unit is scored on, the same for every arm and seed.
 *
 * @throws {DataError} If there are not so many
 */
export function unitWindows(data: UnitData, options: EvaluationOptions): EvaluationWindows {
  return data.kind === "text"
    ? evaluationWindows(data.valid, options)
    : data.task.evaluationWindows(options);
}
