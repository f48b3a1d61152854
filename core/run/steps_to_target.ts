/** The metric that counts updates until the validation loss is low enough. */
import type { UnitConfig } from "../manifest/unit_config.ts";
import { firstCrossing } from "../stats/first_crossing.ts";
import { curveOf } from "../store/curve_of.ts";
import { parseMetricLines } from "../store/metric_lines.ts";
import type { Censoring, Outcome } from "../store/record.ts";

/** Name of the metric in manifests and records. */
const NAME = "steps_to_target";

/** Part of a record's metrics that waits for an event. */
export interface TimedMetrics {
  readonly metrics: Readonly<Record<string, number | null>>;
  /** Why a metric is null. */
  readonly censored: Readonly<Record<string, Censoring>>;
}

/**
 * Updates until the recorded validation loss first is at or below the target that the unit's manifest declares, linear
 * between evaluations; nothing without such a target. A run that never got there, and one that diverged, are censored.
 * metrics: bytes of the unit's `metrics.jsonl`.
 *
 * @throws {StoreError} If the metrics cannot be read
 */
export function stepsToTarget(
  { metrics: declared, train }: Pick<UnitConfig, "metrics" | "train">,
  { outcome, metrics }: { readonly outcome: Outcome; readonly metrics: Uint8Array },
): TimedMetrics {
  const target = declared?.stepsToTarget?.target;
  if (target === undefined) return { metrics: {}, censored: {} };
  const censored = (censoring: Censoring): TimedMetrics => ({
    metrics: { [NAME]: null },
    censored: { [NAME]: censoring },
  });
  // A diverged run counts as the worst, also where it was good for a while.
  if (outcome.kind === "diverged") return censored({ after: outcome.step, reason: "diverged" });
  const { lines } = parseMetricLines(new TextDecoder().decode(metrics), { path: "metrics.jsonl" });
  const updates = firstCrossing(curveOf(lines, "val_loss"), { target });
  if (updates === null) return censored({ after: train.steps, reason: "not reached" });
  return { metrics: { [NAME]: updates }, censored: {} };
}
