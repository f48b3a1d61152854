/** What is written of every update: the columns of metrics.csv and the keys of metrics.json. */
import type { UpdateMetrics } from "../train/trainer.ts";

/** Columns in order. */
export const METRIC_FIELDS = [
  "step",
  "epoch",
  "loss",
  "perplexity",
  "learning_rate",
  "step_time",
  "forward_time",
  "backward_time",
  "optimizer_time",
  "gpu_memory_allocated",
  "gpu_memory_reserved",
  "grad_norm",
  "grad_max",
  "bk_scale",
  "v_mean",
  "v_std",
  "G_ii_mean_real",
  "G_ii_mean_imag",
  "expert_usage",
  "routing_entropy",
  "num_nan_grads",
  "num_inf_grads",
  "val_loss",
  "val_perplexity",
] as const;

/** Name of a column. */
export type MetricField = typeof METRIC_FIELDS[number];

/** A number; "NaN", "Infinity" or "-Infinity"; a list of numbers; null for what was not measured. */
export type MetricValue = number | string | readonly number[] | null;

/** The values of one update. */
export type TrainingMetrics = Readonly<Record<MetricField, MetricValue>>;

/** Seconds of the phases of an update. */
export interface PhaseSeconds {
  readonly forward: number;
  readonly backward: number;
  readonly optimizer: number;
}

/** Bytes per MB in the columns of memory. */
const MEGABYTE = 2 ** 20;

/**
 * The row of an update. Values of the blocks are averaged over them; v_std is that of all blocks together. What
 * WebGPU does not tell (reserved memory) or the engine does not have (grad_max, bk_scale) is null, and so are the
 * counts of values that are not finite where there are any: it is known that they exist, not how many.
 */
export function trainingMetrics(update: UpdateMetrics, at: {
  readonly epoch: number;
  /** Wall time per update of the span it was in, in seconds. */
  readonly stepSeconds: number;
  readonly phases: PhaseSeconds | null;
  /** Bytes of the program's memory areas. */
  readonly bytes: number;
}): TrainingMetrics {
  const { diagnostics } = update;
  const vMean = over(diagnostics, "v_mean");
  const vSquare = over(diagnostics, "v_square_mean");
  const green = over(diagnostics, "g_mean");
  const usage = over(diagnostics, "expert_usage");
  return {
    step: update.step,
    epoch: at.epoch,
    loss: finiteOrText(update.loss),
    perplexity: finiteOrText(Math.exp(update.loss)),
    learning_rate: update.learningRate,
    step_time: at.stepSeconds,
    forward_time: at.phases?.forward ?? null,
    backward_time: at.phases?.backward ?? null,
    optimizer_time: at.phases?.optimizer ?? null,
    gpu_memory_allocated: at.bytes / MEGABYTE,
    gpu_memory_reserved: null,
    grad_norm: finiteOrText(update.gradNorm),
    grad_max: null,
    bk_scale: null,
    v_mean: vMean && finiteOrText(vMean[0]),
    v_std: vMean && vSquare && finiteOrText(Math.sqrt(Math.max(0, vSquare[0] - vMean[0] ** 2))),
    // Real and imaginary part of a channel stand side by side.
    G_ii_mean_real: green && finiteOrText(meanOf(green.filter((_, i) => i % 2 === 0))),
    G_ii_mean_imag: green && finiteOrText(meanOf(green.filter((_, i) => i % 2 === 1))),
    expert_usage: usage?.every(Number.isFinite) ? usage : null,
    routing_entropy: scalarOf(over(diagnostics, "routing_entropy")),
    num_nan_grads: update.finite ? 0 : null,
    num_inf_grads: update.finite ? 0 : null,
    val_loss: null,
    val_perplexity: null,
  };
}

/** The row of an update after which the validation part was scored, in nats per token. */
export function withValLoss(row: TrainingMetrics, valLoss: number): TrainingMetrics {
  return {
    ...row,
    val_loss: finiteOrText(valLoss),
    val_perplexity: finiteOrText(Math.exp(valLoss)),
  };
}

/** Element-wise mean over the blocks of what they watch by one name; null where none does. */
function over(
  diagnostics: UpdateMetrics["diagnostics"],
  name: string,
): readonly number[] | null {
  const rows = Object.entries(diagnostics).filter(([key]) => key.startsWith(`${name}/`))
    .map(([, values]) => values);
  if (rows.length === 0) return null;
  return rows[0].map((_, i) => meanOf(rows.map((values) => values[i])));
}

function scalarOf(values: readonly number[] | null): MetricValue {
  return values && finiteOrText(values[0]);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Numbers that are not finite are not JSON; they are written as text. */
function finiteOrText(value: number): number | string {
  return Number.isFinite(value) ? value : String(value);
}
