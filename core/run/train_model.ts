/** Trains one model over epochs of a text, with checkpoints from which the same command goes on. */
import { type EvaluationWindows, evaluationWindows } from "../data/evaluation_windows.ts";
import { type TrainingBatches, trainingBatches } from "../data/training_batches.ts";
import { StoreError } from "../errors.ts";
import { createEvaluator, type Evaluator } from "../evaluate/evaluator.ts";
import type { UnitConfig } from "../manifest/unit_config.ts";
import type { Backend } from "../plan/backend.ts";
import { latestCheckpoint, saveCheckpoint } from "../store/checkpoint.ts";
import {
  checkpointFromBytes,
  type CheckpointOrigin,
  checkpointToBytes,
} from "../train/checkpoint_bytes.ts";
import { type ModelTensors, modelTensors } from "../train/model_tensors.ts";
import { createTrainer, type Trainer, type UpdateMetrics } from "../train/trainer.ts";
import type { Clock } from "./clock.ts";
import type { TextUnitData } from "./load_unit_data.ts";
import { type MetricsLog, openMetricsLog } from "./metrics_log.ts";
import { measurePhases } from "./measure_phases.ts";
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
  readonly rejected: readonly { readonly path: string; readonly reason: string }[];
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
  /** Updates done. For a run that diverged: the first update that is not finite. */
  readonly step: number;
  /** The last update; undefined where nothing was left to do. */
  readonly last: UpdateMetrics | undefined;
  /** Step of the newest checkpoint; 0 without one. */
  readonly saved: number;
  /** The last epoch; undefined for a run that stopped, or whose last update is not finite. */
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
 * @throws {StoreError} If the checkpoint is of another plan or engine, or the disk refuses
 */
export async function trainModel(options: TrainModelOptions): Promise<TrainedModel> {
  const { config, data, backend, folder } = options;
  const settings = { ...trainerSettings(config, data), diagnostics: true };
  using owned = new DisposableStack();
  const trainer = await createTrainer(backend, settings);
  owned.defer(() => trainer.destroy());
  const evaluator = await createEvaluator(backend, { ...settings, parametersOf: trainer.program });
  owned.defer(() => evaluator.destroy());
  const origin = originOf(trainer, backend);
  const { from, rejected } = restoreLatest(trainer, { folder, origin });
  const batches = trainingBatches(data.train, {
    seqLen: config.seqLen,
    batchSize: config.train.tokensPerStep / config.seqLen,
    seed: config.seed,
  });
  const phases = options.profilePhases
    ? await measurePhases(trainer, { batch: batches.at(from), from })
    : null;
  const log = openMetricsLog(folder, { step: from });
  owned.defer(() => log.close());
  const windows = evaluationWindows(data.valid, {
    seqLen: config.seqLen,
    evalTokens: config.train.evalTokens,
  });
  options.onStart({ from, parameters: trainer.parameterCount, rejected });
  return await new Run({ options, trainer, evaluator, batches, windows, log, phases, origin }).from(
    from,
  );
}

function originOf({ planDigest }: Trainer, { facts }: Backend): CheckpointOrigin {
  const { name, preset, adapter } = facts;
  return { planDigest, engine: `${name}/${preset}/${adapter?.description ?? "none"}` };
}

function checkpointFolder(folder: string): string {
  return `${folder}/checkpoints`;
}

function restoreLatest(trainer: Trainer, { folder, origin }: {
  readonly folder: string;
  readonly origin: CheckpointOrigin;
}): Pick<TrainingStart, "from" | "rejected"> {
  const { checkpoint, rejected } = latestCheckpoint(checkpointFolder(folder));
  if (checkpoint === null) return { from: 0, rejected };
  const state = checkpointFromBytes(checkpoint.bytes, origin);
  if (state === undefined) {
    throw new StoreError(
      `Cannot go on from step ${checkpoint.step} in "${
        checkpointFolder(folder)
      }": it was computed by another ` +
        `engine or another version of it, expected ${origin.engine}; use that one, or start anew with --restart`,
    );
  }
  trainer.restore(state);
  return { from: state.step, rejected };
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
    let epoch: EpochResult | undefined;
    for (let step = first; step < until;) {
      const to = this.#spanEnd(step);
      const span = await this.#span(step, to);
      last = span.last;
      epoch = span.epoch;
      if (!last.finite || !Number.isFinite(epoch?.valLoss ?? 0)) {
        return this.#ended("diverged", { step: last.step, last, epoch });
      }
      step = to;
      const stop = signal.aborted && step < until;
      if (stop || step === until || this.#isSaveDue()) await this.#save(step);
      if (stop) return this.#ended("stopped", { step, last, epoch: undefined });
    }
    return this.#ended("done", { step: Math.max(first, until), last, epoch });
  }

  /** A span ends at the next line, epoch or end, and when it should have taken long enough. */
  #spanEnd(step: number): number {
    const { logInterval, stepsPerEpoch, until } = this.#parts.options;
    const after = (interval: number): number => (Math.floor(step / interval) + 1) * interval;
    const few = Math.max(1, Math.min(LONGEST_SPAN, Math.floor(SPAN_SECONDS / this.#stepSeconds)));
    return Math.min(until, step + few, after(logInterval), after(stepsPerEpoch));
  }

  /** Runs updates, scores the validation part at the end of an epoch or the run, and logs all of it. */
  async #span(from: number, to: number): Promise<{
    readonly last: UpdateMetrics;
    readonly epoch: EpochResult | undefined;
  }> {
    const { options, trainer, batches, evaluator, windows, log, phases } = this.#parts;
    const { clock, stepsPerEpoch, until } = options;
    const begin = clock.seconds();
    const done = await trainer.advance(batches.at, { from, to });
    const stepSeconds = (clock.seconds() - begin) / done.length;
    this.#stepSeconds = stepSeconds;
    const bad = done.findIndex(({ finite }) => !finite);
    const updates = bad < 0 ? done : done.slice(0, bad + 1);
    const last = updates[updates.length - 1];
    const scored = bad < 0 && (to % stepsPerEpoch === 0 || to === until);
    const epoch = Math.ceil(to / stepsPerEpoch);
    this.#report(last, to);
    const valLoss = scored ? await evaluator.evaluate(windows) : null;
    log.append(updates.map((update) =>
      trainingMetrics(update, {
        epoch: Math.ceil(update.step / stepsPerEpoch),
        stepSeconds,
        phases,
        bytes: this.#bytes,
        valLoss: update === last ? valLoss : null,
      })
    ));
    if (valLoss === null) return { last, epoch: undefined };
    const result = { epoch, trainLoss: this.#meanLoss(epoch), valLoss };
    options.onEpoch(result);
    return { last, epoch: result };
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

  async #ended(outcome: TrainedModel["outcome"], at: {
    readonly step: number;
    readonly last: UpdateMetrics | undefined;
    readonly epoch: EpochResult | undefined;
  }): Promise<TrainedModel> {
    const { trainer, log } = this.#parts;
    log.writeJson();
    const [param, state] = await trainer.program.readArenas(["param", "state"]);
    const tensors = modelTensors(trainer.program.plan, { param, state });
    return { outcome, ...at, saved: this.#saved, tensors };
  }
}
