/** Reads the sealed records of a plan, and their metric curves, from a store. */
import { StoreError } from "../errors.ts";
import { parseMetricLines } from "../store/metric_lines.ts";
import type { MetricLine, RunRecord } from "../store/record.ts";
import type { Store } from "../store/store.ts";
import type { ReportPlan } from "./report_plan.ts";
import type { ReportInput } from "./summaries.ts";

const METRICS = "metrics.jsonl";

/**
 * Loads what is there; planned units without a record are simply absent and reported as missing.
 *
 * @throws {StoreError} If a record or its metrics cannot be read or do not have their digest
 */
export function loadCampaign(store: Store, plan: ReportPlan): ReportInput {
  const records = plan.units.filter((unit) => store.isSealed(unit.key))
    .map((unit) => store.readRecord(unit.key));
  return {
    plan,
    records,
    curves: new Map(records.map((record) => [record.key, linesOf(store, record)])),
  };
}

function linesOf(store: Store, record: RunRecord): readonly MetricLine[] {
  const output = record.outputs.find(({ name }) => name === METRICS);
  if (output === undefined) {
    throw new StoreError(`Record "${record.name}": at outputs: expected "${METRICS}", got none`);
  }
  const text = new TextDecoder().decode(store.getBlob(output.digest));
  return parseMetricLines(text, { path: `${record.name}/${METRICS}` }).lines;
}
