/** The table of comparisons as fixed-width text. */
import type { ComparisonResult } from "./comparisons.ts";
import { LEAKS_STAMP, stampedArm } from "./leaks.ts";
import { ratioSummary, ratioTexts } from "./ratio_texts.ts";
import {
  type ComparedMetric,
  isSmoke,
  primaryMetric,
  type ReportPlan,
  SMOKE_STAMP,
} from "./report_plan.ts";
import { comparisonTexts, verdictText } from "./verdict.ts";

const ENDS = ["p", "Floor", "p (Holm)"] as const;
const HEADINGS = {
  val_loss: ["Seq Len", "A vs B", "n", "Mean diff", "95% CI", ...ENDS],
  steps_to_target: ["Seq Len", "A vs B", "n", "Censored", "Ratio", "95% CI", ...ENDS],
} as const;

const TESTS = {
  val_loss: "exact sign-flip test, differences symmetric about 0 under the null hypothesis",
  steps_to_target:
    "exact sign-flip test of log ratios; where a pair has no ratio, exact sign test of which run was first",
} as const;

/**
 * One line per comparison and one with what it shows: by validation loss difference and interval in nats per token, A
 * minus B; by updates to a target their ratio, A / B. p is exact and two-sided, floor its smallest possible value at
 * this n and these ties. Comparisons by another metric than that of the family have no adjusted p and no verdict.
 */
export function comparisonTable(
  plan: ReportPlan,
  results: readonly ComparisonResult[],
  { metric = primaryMetric(plan) }: { readonly metric?: ComparedMetric } = {},
): string {
  const inFamily = metric === primaryMetric(plan);
  const headings: readonly string[] = HEADINGS[metric];
  const shown = (row: readonly string[]) => inFamily ? row : row.slice(0, -1);
  const rows = results.map((result) => cellTexts(result, headings.length));
  const widths = headings.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i].length))
  );
  const line = (row: readonly string[]) =>
    shown(row).map((text, i) => text.padEnd(widths[i])).join("  ").trimEnd();
  const head = line(headings);
  const stamp = isSmoke(plan) ? `  [${SMOKE_STAMP}]` : "";
  return [
    `${titleText(plan, metric)}${stamp}`,
    "=".repeat(head.length),
    head,
    "-".repeat(head.length),
    ...results.flatMap((result, i) => [
      `${line(rows[i])}${result.kind === "tested" ? stamp : ""}`,
      `${" ".repeat(widths[0])}  ${note(plan, result)}`,
    ]),
    `p: ${TESTS[metric]}; ${inFamily ? familyText(results) : "not adjusted, outside the family"}`,
    "",
  ].join("\n");
}

function titleText(plan: ReportPlan, metric: ComparedMetric): string {
  return metric === "val_loss"
    ? "Comparisons of final validation loss (nats per token), paired by seed, A minus B"
    : `Comparisons of updates to a validation loss of ${plan.target} nats per token, paired by seed, ratio A / B`;
}

function familyText(results: readonly ComparisonResult[]): string {
  const counted = (count: number) => count === 1 ? "1 comparison" : `${count} comparisons`;
  const leaking = results.filter(({ kind }) => kind === "leaks").length;
  const holm = `Holm over ${counted(results.length - leaking)}`;
  return leaking === 0 ? holm : `${holm}, without ${counted(leaking)} with an arm that leaks`;
}

function cellTexts(comparison: ComparisonResult, columns: number): readonly string[] {
  const { a, b, seqLen } = comparison.planned;
  const leaking = new Set(comparison.kind === "leaks" ? comparison.arms : []);
  const head = [String(seqLen), `${stampedArm(a, leaking)} vs ${stampedArm(b, leaking)}`];
  if (comparison.kind !== "tested") {
    const word = comparison.kind === "leaks" ? LEAKS_STAMP : "NO DATA";
    return [...head, ...Array<string>(columns - head.length).fill(word)];
  }
  return [...head, String(comparison.result.n), ...estimateTexts(comparison)];
}

type Tested = Extract<ComparisonResult, { readonly kind: "tested" }>;

function estimateTexts(comparison: Tested): readonly string[] {
  const isLoss = comparison.metric === "val_loss";
  const texts = isLoss ? comparisonTexts(comparison) : ratioTexts(comparison);
  const estimate = "difference" in texts ? texts.difference : texts.ratio;
  return [
    ...(isLoss ? [] : [String(comparison.result.censoredPairs)]),
    estimate ?? "n/a",
    texts.low === null ? "n/a" : `[${texts.low}, ${texts.high}]`,
    texts.p,
    texts.floor,
    texts.pHolm ?? "n/a",
  ];
}

function note(plan: ReportPlan, comparison: ComparisonResult): string {
  const verdict = verdictText(plan, comparison);
  if (comparison.kind !== "tested") return verdict;
  if (comparison.metric === "steps_to_target") return `${ratioSummary(comparison)}; ${verdict}`;
  if (comparison.imputed === 0) return verdict;
  const runs = comparison.imputed === 1
    ? "1 diverged run counts"
    : `${comparison.imputed} diverged runs count`;
  return `${verdict}; ${runs} with the worst finite loss`;
}
