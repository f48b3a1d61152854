/** Trains one model over epochs of a text, with checkpoints from which the same command goes on. */
import { type EvaluationWindows, evaluationWindows } from "../data/evaluation_windows.ts";
import { type TrainingBatches, trainingBatches } from "../data/training_batches.ts";
import { InterruptedError } from "../errors.ts";
import { createEvaluator, type Evaluator } from "../evaluate/evaluator.ts";
import type { UnitConfig } from "../manifest/unit_config.ts";
import type { Backend } from "../plan/backend.ts";
import { type RejectedCheckpoint, saveCheckpoint, setAside } from "../store/checkpoint.ts";
import { type CheckpointOrigin, checkpointToBytes } from "../train/checkpoint_bytes.ts";
import { type ModelTensors, modelTensors } from "../train/model_tensors.ts";
import { createTrainer, type Trainer, type UpdateMetrics } from "../train/trainer.ts";
import { faultAfter, updateFault } from "../train/update_fault.ts";
import { checkpointOrigin } from "./checkpoint_origin.ts";
import type { Clock } from "./clock.ts";
import type { TextUnitData } from "./load_unit_data.ts";
import { type MetricsLog, openMetricsLog } from "./metrics_log.ts";
import { measurePhases } from "./measure_phases.ts";
import { checkpointFolder, restoreLatest } from "./restore_latest.ts";
import { trainerSettings } from "./trainer_settings.ts";
import { type PhaseSeconds, trainingMetrics } from "./training_metrics.ts";

export interface TrainModelOptions {
  readonly config: UnitConfig;
  readonly data: TextUnitData;
  readonly backend: Backend;
  readonly clock: Clock;
  /** Folder of log and checkpoints. */
  readonly folder: string;
  readonly stepsPerEpoch: number;
  /** Updates after which to stop, at most those of the plan. */
  readonly until: number;
  /** Updates between calls of `onUpdate`. */
  readonly logInterval: number;
  /** Seconds between checkpoints. */
  readonly saveInterval: number;
  /** Times the phases of an update first. */
  readonly profilePhases: boolean;
  readonly onStart: (start: TrainingStart) => void;
  /** Called with updates whose number is a multiple of `logInterval`, and with the last one. */
  readonly onUpdate: (update: UpdateMetrics, run: { readonly secondsLeft: number }) => void;
  readonly onEpoch: (epoch: EpochResult) => void;
  /** Once aborted, a checkpoint is saved and the run stops. */
  readonly signal: AbortSignal;
}

/** What is known before the first update. */
export interface TrainingStart {
  /** Updates that are done already. */
  readonly from: number;
  readonly parameters: number;
  /** Newer checkpoints that could not be used, each with its reason. */
  readonly rejected: readonly RejectedCheckpoint[];
}

/** What an epoch, or the part of it that was run, came to. */
export interface EpochResult {
  readonly epoch: number;
  /** Mean loss over its updates, nats per token. */
  readonly trainLoss: number;
  readonly valLoss: number;
}

/** How a run ended. */
export interface TrainedModel {
  readonly outcome: "done" | "stopped" | "diverged";
  /** Why a run that diverged did; null otherwise. */
  readonly fault: string | null;
  /** Updates done. For a run that diverged: the first update that is no step of training, or gave no model. */
  readonly step: number;
  /** The last update; undefined where nothing was left to do. */
  readonly last: UpdateMetrics | undefined;
  /** Step of the newest checkpoint; 0 without one. */
  readonly saved: number;
  /** The last epoch; undefined for a run that stopped, or whose last update is no step of training. */
  readonly epoch: EpochResult | undefined;
  readonly tensors: ModelTensors;
}

/** Most updates between looks at the clock. */
const LONGEST_SPAN = 16;
/** Seconds that a span should take, so that a stop is answered soon. */
const SPAN_SECONDS = 5;

/**
 * Runs the updates that are left. The checkpoint in the folder must be this run's: the caller compares settings.
 *
 * @throws {StoreError} If the checkpoint is of another plan or engine, none of them is sound, or the disk refuses
 */
export async function trainModel(options: TrainModelOptions): Promise<TrainedModel> {
  const { config, data, backend, folder } = options;
  const settings = { ...trainerSettings(config, data), diagnostics: true };
  using owned = new DisposableStack();
  const trainer = await createTrainer(backend, settings);
  owned.defer(() => trainer.destroy());
  const evaluator = await createEvaluator(backend, { ...settings, parametersOf: trainer.program });
  owned.defer(() => evaluator.destroy());
  const origin = checkpointOrigin(trainer, { backend, model: config.model });
  const { from, rejected } = restoreLatest(trainer, { folder, origin });
  const batches = trainingBatches(data.train, {
    seqLen: config.seqLen,
    batchSize: config.train.tokensPerStep / config.seqLen,
    seed: config.seed,
  });
  const phases = options.profilePhases
    ? await measurePhases(trainer, { batch: batches.at(from), from })
    : null;
  const log = openMetricsLog(folder, { step: from, leaks: origin.leaks });
  owned.defer(() => log.close());
  const windows = evaluationWindows(data.valid, {
    seqLen: config.seqLen,
    evalTokens: config.train.evalTokens,
  });
  options.onStart({ from, parameters: trainer.parameterCount, rejected: setAside(rejected) });
  return await new Run({ options, trainer, evaluator, batches, windows, log, phases, origin }).from(
    from,
  );
}

interface RunParts {
  readonly options: TrainModelOptions;
  readonly trainer: Trainer;
  readonly evaluator: Evaluator;
  readonly batches: TrainingBatches;
  readonly windows: EvaluationWindows;
  readonly log: MetricsLog;
  readonly phases: PhaseSeconds | null;
  readonly origin: CheckpointOrigin;
}

/** Where a run ended. */
type RunEnd = Pick<TrainedModel, "step" | "last" | "epoch">;

const BAD_SCORE = "validation loss is not finite";

/** The loop over spans of updates, with its stop watch. */
class Run {
  readonly #parts: RunParts;
  readonly #bytes: number;
  #saved = 0;
  #savedAt: number;
  /** Seconds per update of the last span; unknown before the first. */
  #stepSeconds = Infinity;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#savedAt = parts.options.clock.seconds();
    this.#bytes = Object.values(parts.trainer.program.plan.arenaBytes)
      .reduce((sum, bytes) => sum + bytes, 0);
  }

  async from(first: number): Promise<TrainedModel> {
    const { until, signal } = this.#parts.options;
    this.#saved = first;
    let last: UpdateMetrics | undefined;
    // A run that was stopped in its validation is scored first.
    let epoch = this.#isUnscored(first) ? await this.#score(first) : undefined;
    if (isBad(epoch)) return this.#diverged(BAD_SCORE, { step: first, last, epoch });
    let step = first;
    while (step < until && !signal.aborted) {
      const to = this.#spanEnd(step);
      last = await this.#span(step, to);
      const fault = updateFault(last);
      if (fault !== null) {
        return this.#diverged(fault, { step: last.step, last, epoch: undefined });
      }
      step = to;
      if (step === until || this.#isSaveDue()) await this.#save(step);
      epoch = this.#isScored(step) ? await this.#score(step) : undefined;
      if (isBad(epoch)) return this.#diverged(BAD_SCORE, { step, last, epoch });
    }
    if (step < until || this.#isUnscored(step)) {
      if (this.#saved < step) await this.#save(step);
      return this.#ended("stopped", { step, last, epoch: undefined });
    }
    const { trainer, batches } = this.#parts;
    const fault = await faultAfter(trainer, { batches: batches.at, step });
    if (fault !== null) return this.#diverged(fault, { step, last, epoch });
    return this.#ended("done", { step, last, epoch });
  }

  #isScored(step: number): boolean {
    const { stepsPerEpoch, until } = this.#parts.options;
    return step > 0 && (step % stepsPerEpoch === 0 || step === until);
  }

  /** Whether the score after an update is missing, or was not finite. */
  #isUnscored(step: number): boolean {
    return this.#isScored(step) && typeof this.#parts.log.rows[step - 1].val_loss !== "number";
  }

  /** A span ends at the next line, epoch or end, and when it should have taken long enough. */
  #spanEnd(step: number): number {
    const { logInterval, stepsPerEpoch, until } = this.#parts.options;
    const after = (interval: number): number => (Math.floor(step / interval) + 1) * interval;
    const few = Math.max(1, Math.min(LONGEST_SPAN, Math.floor(SPAN_SECONDS / this.#stepSeconds)));
    return Math.min(until, step + few, after(logInterval), after(stepsPerEpoch));
  }

  /** Runs updates and logs them up to the first that is no step of training, which is returned; else the last. */
  async #span(from: number, to: number): Promise<UpdateMetrics> {
    const { options: { clock, stepsPerEpoch }, trainer, batches, log, phases } = this.#parts;
    const begin = clock.seconds();
    const done = await trainer.advance(batches.at, { from, to });
    const stepSeconds = (clock.seconds() - begin) / done.length;
    this.#stepSeconds = stepSeconds;
    const bad = done.findIndex((update) => updateFault(update) !== null);
    const updates = bad < 0 ? done : done.slice(0, bad + 1);
    const last = updates[updates.length - 1];
    this.#report(last, to);
    log.append(updates.map((update) =>
      trainingMetrics(update, {
        epoch: Math.ceil(update.step / stepsPerEpoch),
        stepSeconds,
        phases,
        bytes: this.#bytes,
      })
    ));
    return last;
  }

  /** Scores the validation part after the last update of the log; undefined where the signal ends it. */
  async #score(step: number): Promise<EpochResult | undefined> {
    const { options: { stepsPerEpoch, signal, onEpoch }, evaluator, windows, log } = this.#parts;
    const epoch = Math.ceil(step / stepsPerEpoch);
    let valLoss: number;
    try {
      valLoss = await evaluator.evaluate(windows, { signal });
    } catch (cause) {
      if (!(cause instanceof InterruptedError)) throw cause;
      return undefined;
    }
    log.setValLoss(valLoss);
    const result = { epoch, trainLoss: this.#meanLoss(epoch), valLoss };
    onEpoch(result);
    return result;
  }

  #report(last: UpdateMetrics, to: number): void {
    const { onUpdate, logInterval, until } = this.#parts.options;
    if (last.step !== to || (to % logInterval !== 0 && to !== until)) return;
    onUpdate(last, { secondsLeft: (until - to) * this.#stepSeconds });
  }

  #meanLoss(epoch: number): number {
    const losses = this.#parts.log.rows.filter((row) => row.epoch === epoch)
      .map((row) => Number(row.loss));
    return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
  }

  #isSaveDue(): boolean {
    const { clock, saveInterval } = this.#parts.options;
    return clock.seconds() - this.#savedAt >= saveInterval;
  }

  /** The log first: a checkpoint without its rows could not be gone on from. */
  async #save(step: number): Promise<void> {
    const { options: { folder, clock }, trainer, log, origin } = this.#parts;
    log.writeJson();
    const state = await trainer.save(step);
    saveCheckpoint(checkpointFolder(folder), { step, bytes: checkpointToBytes(state, origin) });
    this.#saved = step;
    this.#savedAt = clock.seconds();
  }

  async #diverged(fault: string, at: RunEnd): Promise<TrainedModel> {
    return { ...await this.#ended("diverged", at), fault };
  }

  async #ended(outcome: TrainedModel["outcome"], at: RunEnd): Promise<TrainedModel> {
    const { trainer, log } = this.#parts;
    log.writeJson();
    const [param, state] = await trainer.program.readArenas(["param", "state"]);
    const tensors = modelTensors(trainer.program.plan, { param, state });
    return { outcome, fault: null, ...at, saved: this.#saved, tensors };
  }
}

function isBad(epoch: EpochResult | undefined): boolean {
  return epoch !== undefined && !Number.isFinite(epoch.valLoss);
}
