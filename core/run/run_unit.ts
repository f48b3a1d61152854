/** Runs one unit from its settings to its sealed record. */
import type { Batch } from "../data/cut_windows.ts";
import { scoredTokens } from "../data/evaluation_windows.ts";
import { createEvaluator, type Evaluator } from "../evaluate/evaluator.ts";
import type { Unit } from "../experiment/unit.ts";
import type { JsonObject } from "../manifest/json.ts";
import { readUnitConfig, type UnitConfig } from "../manifest/unit_config.ts";
import type { Backend } from "../plan/backend.ts";
import { sha256Hex } from "../random/sha256.ts";
import type { Attempt, AttemptStatus, ResumePoint } from "../store/attempt.ts";
import type { Outcome, RunRecord } from "../store/record.ts";
import type { Store } from "../store/store.ts";
import {
  checkpointFromBytes,
  type CheckpointOrigin,
  checkpointToBytes,
} from "../train/checkpoint_bytes.ts";
import { createTrainer, type Trainer, type TrainerSettings } from "../train/trainer.ts";
import { faultAfter, updateFault } from "../train/update_fault.ts";
import { InterruptedError } from "../errors.ts";
import { auditUnit } from "./audit_unit.ts";
import { checkpointOrigin } from "./checkpoint_origin.ts";
import type { Clock } from "./clock.ts";
import type { MixerModule } from "./load_mixer.ts";
import type { UnitData } from "./load_unit_data.ts";
import { makeRecord, type RecordFacts, type RecordParts, type UnitTiming } from "./make_record.ts";
import { measureUnit } from "./measure_unit.ts";
import { stepsToTarget } from "./steps_to_target.ts";
import { trainerSettings } from "./trainer_settings.ts";
import { unitBatches, unitWindows } from "./unit_batches.ts";

/** A unit with its key and all that its record says about the campaign. */
export interface UnitJob {
  readonly unit: Unit;
  readonly key: string;
  readonly preimage: JsonObject;
  readonly facts: RecordFacts;
  /** Module of the mixer of a model of kind "module"; to be loaded before the unit is run. */
  readonly mixer?: MixerModule;
}

export interface RunUnitOptions {
  readonly store: Store;
  readonly backend: Backend;
  readonly data: UnitData;
  readonly clock: Clock;
  readonly host: string;
  /** Called after every span of updates. */
  readonly onProgress: (step: number, steps: number) => void;
  /** Once aborted, the unit saves a checkpoint and stops. */
  readonly signal: AbortSignal;
}

/** Seconds between checkpoints; a killed run loses at most this much. */
const CHECKPOINT_SECONDS = 30;

/**
 * Trains, evaluates and seals one unit, going on from its newest checkpoint where there is one.
 *
 * @throws {InterruptedError} If the signal aborted it; its checkpoint is saved
 * @throws {UnitError} If the model declares itself causal, but its predictions depend on later tokens
 * @throws {StoreError} If the store cannot be written; nothing sealed is lost
 */
export async function runUnit(job: UnitJob, options: RunUnitOptions): Promise<RunRecord> {
  const { store, clock, host } = options;
  const known = sealedElsewhere(job, store);
  if (known) return known;
  const resume = store.findResumePoint(job.key).point;
  using attempt = store.beginAttempt(job.key, { name: job.unit.name, preimage: job.preimage });
  const status = (state: AttemptStatus["state"], reason: string | null): void =>
    attempt.writeStatus({ state, at: clock.timestamp(), host, pid: Deno.pid, reason });
  status("running", null);
  let record: RunRecord;
  try {
    record = await trainAndSeal(job, { attempt, resume, options });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    status(cause instanceof InterruptedError ? "preempted" : "failed", reason);
    throw cause;
  }
  status("sealed", null);
  return record;
}

/**
 * The record that another process sealed since this campaign was planned: a worker that outlives its killed
 * driver finishes the updates it is at. The same key gives the same result.
 */
function sealedElsewhere(job: UnitJob, store: Store): RunRecord | undefined {
  return store.isSealed(job.key) ? store.readRecord(job.key) : undefined;
}

async function trainAndSeal(job: UnitJob, { attempt, resume, options }: {
  readonly attempt: Attempt;
  readonly resume: ResumePoint | null;
  readonly options: RunUnitOptions;
}): Promise<RunRecord> {
  const { clock, backend, host } = options;
  const config = readUnitConfig(job.unit.config, { where: job.unit.name });
  const startedAt = clock.timestamp();
  const settings = trainerSettings(config, options.data);
  using owned = new DisposableStack();
  const trainer = await createTrainer(backend, settings);
  owned.defer(() => trainer.destroy());
  const parametersOf = trainer.program;
  const evaluator = await createEvaluator(backend, { ...settings, parametersOf });
  owned.defer(() => evaluator.destroy());
  const run = new UnitRun({ job, config, settings, attempt, trainer, evaluator, options });
  const from = resume ? run.resume(resume.bytes) : 0;
  if (resume && from > 0) attempt.resumeFrom(resume);
  const ended = await run.train(from);
  const measured = ended.outcome.kind === "ok"
    ? await measureUnit({ backend, config, settings, data: options.data, trainer })
    : {};
  const timing = { ...ended.timing, startedAt, endedAt: clock.timestamp(), host };
  return await seal(run, { outcome: ended.outcome, valLoss: ended.valLoss, measured, timing });
}

interface Ended {
  readonly outcome: Outcome;
  readonly valLoss: number | null;
  readonly timing: Pick<
    UnitTiming,
    "wallSeconds" | "trainSeconds" | "evaluateSeconds" | "tokensPerSecond"
  >;
}

interface UnitRunParts {
  readonly job: UnitJob;
  readonly config: UnitConfig;
  readonly settings: TrainerSettings;
  readonly attempt: Attempt;
  readonly trainer: Trainer;
  readonly evaluator: Evaluator;
  readonly options: RunUnitOptions;
}

/** The loop of one unit over spans of updates, with its stop watch. */
class UnitRun {
  readonly parts: UnitRunParts;
  readonly #origin: CheckpointOrigin;
  #trainSeconds = 0;
  #evaluateSeconds = 0;

  constructor(parts: UnitRunParts) {
    this.parts = parts;
    const { trainer, config: { model }, options: { backend } } = parts;
    this.#origin = checkpointOrigin(trainer, { backend, model });
  }

  /** Restores a checkpoint and returns its step, or 0 when it belongs to another engine. */
  resume(bytes: Uint8Array): number {
    const state = checkpointFromBytes(bytes, this.#origin);
    if (state) this.parts.trainer.restore(state);
    return state?.step ?? 0;
  }

  async train(from: number): Promise<Ended> {
    const { config: { train, seqLen, seed }, options: { data, clock } } = this.parts;
    const begin = clock.seconds();
    const batches = unitBatches(data, {
      seqLen,
      batchSize: train.tokensPerStep / seqLen,
      seed,
    });
    let valLoss = from === 0 ? await this.#evaluate(0) : NaN;
    let saved = clock.seconds();
    let step = from;
    while (step < train.steps) {
      const to = Math.min(train.steps, (Math.floor(step / train.evalEvery) + 1) * train.evalEvery);
      const bad = await this.#span(batches.at, { from: step, to });
      if (bad !== undefined) {
        const done = bad.step - from;
        return this.#ended({ kind: "diverged", ...bad }, { valLoss: null, begin, done });
      }
      step = to;
      valLoss = await this.#evaluate(step);
      this.parts.options.onProgress(step, train.steps);
      if (step === train.steps) break; // a checkpoint of the last update would have nothing to resume
      const stop = this.parts.options.signal.aborted;
      if (stop || clock.seconds() - saved > CHECKPOINT_SECONDS) {
        await this.#save(step);
        saved = clock.seconds();
      }
      if (stop) {
        throw new InterruptedError(`Stopped "${this.parts.job.unit.name}" after update ${step}`);
      }
    }
    const reason = Number.isFinite(valLoss)
      ? await faultAfter(this.parts.trainer, { batches: batches.at, step })
      : "validation loss is not finite";
    const done = step - from;
    return reason === null
      ? this.#ended({ kind: "ok" }, { valLoss, begin, done })
      : this.#ended({ kind: "diverged", step, reason }, { valLoss: null, begin, done });
  }

  /** Runs updates and logs them; returns the first update that was no step of training, if any. */
  async #span(
    batches: (step: number) => Batch,
    span: { readonly from: number; readonly to: number },
  ): Promise<{ readonly step: number; readonly reason: string } | undefined> {
    const { attempt, trainer, config: { train }, options: { clock } } = this.parts;
    const begin = clock.seconds();
    const updates = await trainer.advance(batches, span);
    this.#trainSeconds += clock.seconds() - begin;
    for (const update of updates) {
      const { step, loss, gradNorm, learningRate } = update;
      const reason = updateFault(update);
      if (step % train.logEvery === 0 || reason !== null) {
        const at = { step, tokens: step * train.tokensPerStep };
        attempt.appendMetric({ ...at, name: "loss", value: finiteOrText(loss) });
        attempt.appendMetric({ ...at, name: "grad_norm", value: finiteOrText(gradNorm) });
        attempt.appendMetric({ ...at, name: "learning_rate", value: learningRate });
      }
      if (reason !== null) return { step, reason };
    }
    return undefined;
  }

  async #evaluate(step: number): Promise<number> {
    const { attempt, evaluator, config: { train, seqLen }, options: { data, clock } } = this.parts;
    const begin = clock.seconds();
    const windows = unitWindows(data, { seqLen, evalTokens: train.evalTokens });
    const value = await evaluator.evaluate(windows);
    this.#evaluateSeconds += clock.seconds() - begin;
    const tokens = step * train.tokensPerStep;
    attempt.appendMetric({ step, tokens, name: "val_loss", value: finiteOrText(value) });
    return value;
  }

  async #save(step: number): Promise<void> {
    const state = await this.parts.trainer.save(step);
    this.parts.attempt.saveCheckpoint({ step, bytes: checkpointToBytes(state, this.#origin) });
  }

  #ended(
    outcome: Outcome,
    { valLoss, begin, done }: {
      readonly valLoss: number | null;
      readonly begin: number;
      readonly done: number;
    },
  ): Ended {
    const { config: { train }, options: { clock } } = this.parts;
    const timing = {
      wallSeconds: clock.seconds() - begin,
      trainSeconds: this.#trainSeconds,
      evaluateSeconds: this.#evaluateSeconds,
      tokensPerSecond: this.#trainSeconds > 0
        ? (done * train.tokensPerStep) / this.#trainSeconds
        : 0,
    };
    return { outcome, valLoss, timing };
  }
}

async function seal(run: UnitRun, ended: {
  readonly outcome: Outcome;
  readonly valLoss: number | null;
  readonly measured: RecordParts["measured"];
  readonly timing: Omit<UnitTiming, "attempts">;
}): Promise<RunRecord> {
  const { job, attempt, config, settings, trainer, options: { store, backend, data } } = run.parts;
  const { evalTokens } = config.train;
  // Before anything of the record exists: a model that leaks unannounced leaves none.
  const leak = ended.outcome.kind === "diverged"
    ? null
    : await auditUnit(trainer, { name: job.unit.name, settings, backend, data, evalTokens });
  const { param } = await trainer.save(0);
  const metrics = attempt.metricsBytes();
  const record = makeRecord(job, {
    outcome: ended.outcome,
    valLoss: ended.valLoss,
    measured: ended.measured,
    timed: stepsToTarget(config, { outcome: ended.outcome, metrics }),
    targets: scoredTokens({ seqLen: config.seqLen, evalTokens }),
    leak,
    data,
    engine: backend.facts,
    planDigest: trainer.planDigest,
    parameters: {
      count: trainer.parameterCount,
      digest: sha256Hex(new Uint8Array(param.slice().buffer)),
    },
    outputs: [{ name: "metrics.jsonl", digest: store.putBlob(metrics), bytes: metrics.length }],
    timing: { ...ended.timing, attempts: attempt.number },
  });
  const known = sealedElsewhere(job, store);
  if (known) return known;
  store.seal(attempt, record);
  return record;
}

/** Non-finite numbers are not JSON; they go into the log as text. */
function finiteOrText(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
