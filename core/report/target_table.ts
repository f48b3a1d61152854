/** Updates to the target loss by arm: fixed-width text, CSV and facts. */
import { updatesToTarget } from "./cell_metrics.ts";
import { type Fact, makeFact } from "./fact.ts";
import { leakingArms, stampedArm } from "./leaks.ts";
import { fixedText } from "./number_text.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";
import type { CellSummary } from "./summaries.ts";

const HEADINGS = ["Seq Len", "Arm", "Reached", "Median", "Earliest", "Latest"] as const;
const DECIMALS = 1;
/** What stands for a number of updates that nobody has seen. */
const NOT_REACHED = "not reached";

/** Updates of the runs of a cell in ascending order; those that did not get there, null, stand last. */
function sortedUpdates({ records }: CellSummary): readonly (number | null)[] {
  return records.map(updatesToTarget).sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
}

/** Middle value, or mean of the two middle ones; null where one of these is, so that nothing is made up. */
export function censoredMedian(sorted: readonly (number | null)[]): number | null {
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return low === null || high === null ? null : (low + high) / 2;
}

/** One line per arm and length; empty where units count no updates to a target. */
export function targetTable(plan: ReportPlan, cells: readonly CellSummary[]): string {
  if (plan.target === undefined) return "";
  const leaking = leakingArms(cells);
  const rows = cells.map((cell) => [
    String(cell.seqLen),
    stampedArm(cell.arm, leaking),
    ...cellTexts(cell),
  ]);
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i].length))
  );
  const line = (row: readonly string[]) =>
    row.map((text, i) => text.padEnd(widths[i])).join("  ").trimEnd();
  const stamp = isSmoke(plan) ? `  [${SMOKE_STAMP}]` : "";
  return [
    `Updates to a validation loss of ${plan.target} nats per token, linear between evaluations${stamp}`,
    "=".repeat(line(HEADINGS).length),
    line(HEADINGS),
    "-".repeat(line(HEADINGS).length),
    ...rows.map(line),
    ...cells.flatMap(notes),
    "",
  ].join("\n");
}

/** Reached, median, earliest, latest. */
function cellTexts(cell: CellSummary): readonly string[] {
  const sorted = sortedUpdates(cell);
  if (sorted.length === 0) return Array<string>(4).fill("NO DATA");
  const reached = sorted.filter((value) => value !== null).length;
  return [
    `${reached} of ${sorted.length}`,
    updatesText(censoredMedian(sorted)),
    updatesText(sorted[0]),
    updatesText(sorted[sorted.length - 1]),
  ];
}

function updatesText(updates: number | null): string {
  return updates === null ? NOT_REACHED : fixedText(updates, DECIMALS);
}

/** Why runs are censored. */
function notes(cell: CellSummary): readonly string[] {
  const censored = cell.records.flatMap((record) => record.censored?.["steps_to_target"] ?? []);
  const ends = censored.filter(({ reason }) => reason === "not reached").map(({ after }) => after);
  const diverged = censored.length - ends.length;
  const parts = [
    ...(ends.length > 0 ? [`${ends.length} not there after ${Math.max(...ends)} updates`] : []),
    ...(diverged > 0 ? [`${diverged} diverged`] : []),
  ];
  return parts.length === 0 ? [] : [`${cell.seqLen}, ${cell.arm}: censored: ${parts.join(", ")}`];
}

/** Updates of every unit in full; a censored one has no number but a reason. */
export function targetCsv(cells: readonly CellSummary[]): string {
  const lines = cells.flatMap(({ arm, seqLen, records }) =>
    records.map((record) => {
      const censored = record.censored?.["steps_to_target"];
      const updates = updatesToTarget(record) ?? "";
      return [arm, seqLen, record.seed, updates, censored?.after ?? "", censored?.reason ?? ""]
        .join(",");
    })
  );
  return ["arm,seq_len,seed,updates,censored_after,censored_reason", ...lines, ""].join("\n");
}

/** Facts "prime_bump/none/128/steps_to_target/reached" and ".../median". */
export function targetFacts(plan: ReportPlan, cell: CellSummary): readonly Fact[] {
  if (plan.target === undefined) return [];
  const prefix = `${plan.experiment}/${cell.arm}/${cell.seqLen}/steps_to_target`;
  const runs = cell.records.map(({ key }) => key);
  const [reached, median] = cellTexts(cell);
  const value = cell.records.length === 0 ? null : censoredMedian(sortedUpdates(cell));
  return [
    makeFact(`${prefix}/target`, { value: plan.target, text: String(plan.target), runs }),
    makeFact(`${prefix}/reached`, { value: reached, text: reached, runs }),
    makeFact(`${prefix}/median`, { value: value ?? median, text: median, runs }),
  ];
}
