/** Updates to the target loss by arm: fixed-width text, CSV and facts. */
import { updatesToTarget } from "./cell_metrics.ts";
import { type Fact, makeFact } from "./fact.ts";
import type { Censoring } from "../store/record.ts";
import { leakingArms, stampedArm } from "./leaks.ts";
import { fixedText } from "./number_text.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";
import type { CellSummary } from "./summaries.ts";

const HEADINGS = [
  "Seq Len",
  "Arm",
  "Counted",
  "Not there",
  "Diverged",
  "Median",
  "Earliest",
  "Latest",
] as const;
const DECIMALS = 1;
/** What stands for a number of updates that nobody has counted: of a run that was not there, or that diverged. */
const CENSORED = "censored";

/** Updates of the runs of a cell in ascending order; censored ones, null, stand last. */
function sortedUpdates({ records }: CellSummary): readonly (number | null)[] {
  return records.map(updatesToTarget).sort((a, b) => (a ?? Infinity) - (b ?? Infinity));
}

/** Middle value, or mean of the two middle ones; null where one of these is, so that nothing is made up. */
export function censoredMedian(sorted: readonly (number | null)[]): number | null {
  const half = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(half) - 1], sorted[Math.floor(half)]];
  return low === null || high === null ? null : (low + high) / 2;
}

/**
 * One line per arm and length: runs with a number, runs that were not at the target by their end, runs that diverged,
 * which have no number although they may have been there; empty where units count no updates to a target.
 */
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

/** Counted, not there, diverged, median, earliest, latest. */
function cellTexts(cell: CellSummary): readonly string[] {
  const sorted = sortedUpdates(cell);
  if (sorted.length === 0) return Array<string>(6).fill("NO DATA");
  const counted = sorted.filter((value) => value !== null).length;
  const censored = censoringsOf(cell);
  const diverged = censored.filter(({ reason }) => reason === "diverged").length;
  return [
    `${counted} of ${sorted.length}`,
    String(censored.length - diverged),
    String(diverged),
    updatesText(censoredMedian(sorted)),
    updatesText(sorted[0]),
    updatesText(sorted[sorted.length - 1]),
  ];
}

function updatesText(updates: number | null): string {
  return updates === null ? CENSORED : fixedText(updates, DECIMALS);
}

/** Why runs are censored. */
function censoringsOf({ records }: CellSummary): readonly Censoring[] {
  return records.flatMap((record) => record.censored?.["steps_to_target"] ?? []);
}

/** How long the runs of a cell went on that were not there. */
function notes(cell: CellSummary): readonly string[] {
  const ends = censoringsOf(cell).filter(({ reason }) => reason === "not reached")
    .map(({ after }) => after);
  if (ends.length === 0) return [];
  return [
    `${cell.seqLen}, ${cell.arm}: ${ends.length} not there after ${Math.max(...ends)} updates`,
  ];
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

/** Facts "prime_bump/none/128/steps_to_target/counted", ".../not_there", ".../diverged" and ".../median". */
export function targetFacts(plan: ReportPlan, cell: CellSummary): readonly Fact[] {
  if (plan.target === undefined) return [];
  const prefix = `${plan.experiment}/${cell.arm}/${cell.seqLen}/steps_to_target`;
  const runs = cell.records.map(({ key }) => key);
  const [counted, notThere, diverged, median] = cellTexts(cell);
  const value = cell.records.length === 0 ? null : censoredMedian(sortedUpdates(cell));
  return [
    makeFact(`${prefix}/target`, { value: plan.target, text: String(plan.target), runs }),
    makeFact(`${prefix}/counted`, { value: counted, text: counted, runs }),
    makeFact(`${prefix}/not_there`, { value: notThere, text: notThere, runs }),
    makeFact(`${prefix}/diverged`, { value: diverged, text: diverged, runs }),
    makeFact(`${prefix}/median`, { value: value ?? median, text: median, runs }),
  ];
}
