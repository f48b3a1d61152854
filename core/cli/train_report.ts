/** The lines that `train` prints, and the error of a run that diverged. */
import { scoredTokens } from "../data/evaluation_windows.ts";
import { scoredFloors } from "../data/scored_floors.ts";
import { NumericError } from "../errors.ts";
import { auditText } from "../evaluate/leak_audit.ts";
import { modelOf } from "../models/registry.ts";
import type { ModelAudit } from "../run/audit_unit.ts";
import type { EpochResult, TrainedModel, TrainingStart } from "../run/train_model.ts";
import type { LeakFacts } from "../store/record.ts";
import type { UpdateMetrics } from "../train/trainer.ts";
import type { TrainSetup } from "./train_setup.ts";
import { unfinishedSchedules } from "./unfinished_schedules.ts";

/** What stands beside every result of a model whose predictions depend on later tokens. */
export const LEAK_STAMP = "LEAKS: predictions depend on later tokens; this is no evidence";

/** Whether the settings declare that the model's predictions depend on later tokens; known before it is audited. */
export function leaksIn({ config: { model } }: Pick<TrainSetup, "config">): boolean {
  return !modelOf(model).isCausal(model);
}

/** A line with a loss or a perplexity, stamped where the model leaks: lines are quoted one by one. */
function stamped(line: string, setup: Pick<TrainSetup, "config">): string {
  return stampedIf(leaksIn(setup), line);
}

function stampedIf(leaks: boolean, line: string): string {
  return leaks ? `${line} [LEAKS]` : line;
}

/** What is said before the first update. */
export function startLines(
  setup: TrainSetup,
  run: TrainingStart,
): readonly string[] {
  const { config, data, stepsPerEpoch, saveDir } = setup;
  const { facts, vocabularySize } = data;
  const { steps, tokensPerStep } = config.train;
  return [
    `model     ${config.model.kind}, ${run.parameters} parameters${
      leaksIn(setup) ? ", LEAKS" : ""
    }`,
    `text      ${facts.id}, sha256 ${facts.text.sha256}; ${facts.tokenizer} tokenizer, V = ${vocabularySize}`,
    floorsLine(setup),
    `steps     ${steps} of ${tokensPerStep} tokens, ${stepsPerEpoch} per epoch` +
    (run.from === 0 ? "" : `; going on after step ${run.from}`),
    ...unfinishedSchedules(config).map((line) => `schedule  ${line}`),
    `folder    ${saveDir}`,
    ...run.rejected.map(({ path, reason }) => `unusable  ${path}: ${reason}`),
  ];
}

/** Floors of the tokens that are scored, counted on those that the model is trained on. */
function floorsLine({ config: { seqLen, train }, data }: TrainSetup): string {
  const targets = scoredTokens({ seqLen, evalTokens: train.evalTokens });
  const [unigram, bigram] = scoredFloors(data.valid, {
    targets,
    train: data.train,
    tokenizer: data.tokenizer,
  }).map(({ natsPerToken }) => natsPerToken.toFixed(4));
  return `floors    unigram ${unigram}, bigram ${bigram} nats per token of the first ${targets} validation tokens, ` +
    `counted on ${data.train.length} training tokens`;
}

/** "Epoch 1/3 | Step 100 | Loss: 7.4844 | PPL: 1780.10 | LR: 0.001"; PPL is exp of the loss before rounding. */
export function stepLine(
  { step, loss, learningRate }: UpdateMetrics,
  setup: TrainSetup,
): string {
  const { epochs, stepsPerEpoch } = setup;
  const epoch = Math.ceil(step / stepsPerEpoch);
  const rate = Number(learningRate.toPrecision(4));
  return stamped(
    `Epoch ${epoch}/${epochs} | Step ${step} | Loss: ${loss.toFixed(4)} | PPL: ${
      Math.exp(loss).toFixed(2)
    } | LR: ${rate}`,
    setup,
  );
}

/** "Epoch 1/3 | Validation Loss: 7.1234 | Validation PPL: 1240.66". */
export function validationLine({ epoch, valLoss }: EpochResult, { setup, leaks }: {
  readonly setup: TrainSetup;
  /** What the audit found; before it, what the settings declare. */
  readonly leaks: boolean;
}): string {
  return stampedIf(
    leaks,
    `Epoch ${epoch}/${setup.epochs} | Validation Loss: ${valLoss.toFixed(4)} | Validation PPL: ${
      Math.exp(valLoss).toFixed(2)
    }`,
  );
}

/** What the audit of the trained model measured, with how many positions and logits that were. */
export function auditLine({ leak: { leaks, gainNats }, causality }: ModelAudit): string {
  const gain = gainNats === null
    ? ""
    : `; later tokens are worth ${gainNats.toFixed(4)} nats per token`;
  const what = !leaks
    ? "no leak found"
    : causality.changed > 0
    ? "LEAKS"
    : "LEAKS, as the model declares";
  return `audit     ${what}: ${auditText(causality)}${gain}`;
}

/** What is said on Ctrl-C. A run that is trained ends as it would have: what is left takes seconds. */
export function stopLine({ isTrained }: { readonly isTrained: boolean }): string {
  const now = "press Ctrl-C again to stop at once";
  return isTrained
    ? `The updates are done and saved: the trained model is audited and saved before this ends; ${now}`
    : `Stopping: a checkpoint is saved first; ${now}`;
}

/** The last two lines: the mean loss of the last epoch's updates, and the time of this command. */
export function finalLines(
  { epoch, trainLoss }: EpochResult,
  { setup, leaks, seconds }: {
    readonly setup: TrainSetup;
    /** What the audit found. */
    readonly leaks: boolean;
    readonly seconds: number;
  },
): readonly string[] {
  const minutes = seconds / 60;
  return [
    stampedIf(
      leaks,
      `Epoch ${epoch}/${setup.epochs} | Final Loss: ${trainLoss.toFixed(4)} | Final PPL: ${
        Math.exp(trainLoss).toFixed(2)
      }`,
    ),
    `Training completed in ${minutes < 10 ? minutes.toFixed(1) : Math.round(minutes)} minutes!`,
  ];
}

/** The error of a run with an update that is no step of training. Nothing was repaired or skipped. */
export function divergence(
  { step, last, epoch, saved, fault }: TrainedModel,
  { config: { train }, saveDir }: TrainSetup,
): NumericError {
  const what = epoch && !Number.isFinite(epoch.valLoss)
    ? `Validation loss is ${epoch.valLoss}`
    : epoch || last?.finite
    ? `Loss is ${epoch?.valLoss ?? last?.loss}, but ${fault}`
    : last === undefined || Number.isFinite(last.loss)
    ? "A gradient is not finite"
    : `Loss is ${last.loss}`;
  return new NumericError(
    [
      `${what} at step ${step}; nothing was repaired, and the run stops here`,
      `  log:        ${saveDir}/metrics.csv`,
      `  checkpoint: ${saved === 0 ? "none before it" : `step ${saved}`}`,
      `  what to do: a lower learning_rate (now ${train.learningRate}), more warmup_steps (now ` +
      `${train.warmupSteps}) or a smaller gradient_clip_norm (now ${train.gradClip}), in another --save-dir or ` +
      "with --restart",
    ].join("\n"),
  );
}

/** The result as it is printed with `--json`. */
export function resultJson(
  { outcome, step, epoch }: TrainedModel,
  { setup, leak, model }: {
    readonly setup: TrainSetup;
    /** What the audit found; null for a run that was stopped, of which only the declaration is known. */
    readonly leak: LeakFacts | null;
    /** Path of the model; null where none was saved. */
    readonly model: string | null;
  },
): Readonly<Record<string, unknown>> {
  const { config, saveDir, resolved } = setup;
  return {
    outcome,
    step,
    steps: config.train.steps,
    loss: epoch?.trainLoss ?? null,
    perplexity: epoch ? Math.exp(epoch.trainLoss) : null,
    val_loss: epoch?.valLoss ?? null,
    val_perplexity: epoch ? Math.exp(epoch.valLoss) : null,
    leaks: leak?.leaks ?? leaksIn(setup),
    largest_earlier_change: leak?.largestChange ?? null,
    leak_gain_nats: leak?.gainNats ?? null,
    model,
    folder: saveDir,
    config: resolved,
  };
}
