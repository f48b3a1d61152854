/** What the report reads from one record and its `metrics.jsonl`. */
import { StoreError } from "../errors.ts";
import type { MetricLine, RunRecord } from "../store/record.ts";

/** Metric curves of units by record key. */
export type Curves = ReadonlyMap<string, readonly MetricLine[]>;

/** Times a logged loss is more than twice the one logged before it; growth to infinity counts, NaN does not. */
export function spikeCount(losses: readonly number[]): number {
  return losses.filter((loss, i) => i > 0 && loss > 2 * losses[i - 1]).length;
}

/** Final validation loss in nats per token, or null where the unit has none that is finite. */
export function finalLoss(record: RunRecord): number | null {
  if (record.outcome.kind === "diverged") return null;
  const value = record.metrics["val_loss"]?.value;
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/**
 * Updates until the validation loss was at the target; null where the run ended before.
 *
 * @throws {StoreError} If the unit did not count them
 */
export function updatesToTarget(record: RunRecord): number | null {
  const metric = record.metrics["steps_to_target"];
  if (metric !== undefined) return metric?.value ?? null;
  throw new StoreError(
    `Record "${record.name}": at metrics.steps_to_target: expected a number or null, got nothing`,
  );
}

/**
 * Sequence length of a record's cell, in tokens.
 *
 * @throws {StoreError} If the cell has no seq_len
 */
export function seqLenOf(record: RunRecord): number {
  const length = record.cell["seq_len"];
  if (length === undefined) {
    throw new StoreError(
      `Record "${record.name}": at cell.seq_len: expected a number, got nothing`,
    );
  }
  return length;
}
