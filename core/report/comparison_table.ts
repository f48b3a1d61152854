/** The table of comparisons as fixed-width text. */
import type { ComparisonResult } from "./comparisons.ts";
import { LEAKS_STAMP, stampedArm } from "./leaks.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";
import { comparisonTexts, verdictText } from "./verdict.ts";

const HEADINGS = [
  "Seq Len",
  "A vs B",
  "n",
  "Mean diff",
  "95% CI",
  "p",
  "Floor",
  "p (Holm)",
] as const;

/**
 * One line per comparison and one with what it shows. Difference and interval in nats per token, A minus
 * B; p is the exact two-sided sign-flip test, floor its smallest possible value at this n.
 */
export function comparisonTable(plan: ReportPlan, results: readonly ComparisonResult[]): string {
  const rows = results.map(cellTexts);
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i].length))
  );
  const line = (row: readonly string[]) =>
    row.map((text, i) => text.padEnd(widths[i])).join("  ").trimEnd();
  const head = line(HEADINGS);
  const stamp = isSmoke(plan) ? `  [${SMOKE_STAMP}]` : "";
  return [
    `Comparisons of final validation loss (nats per token), paired by seed, A minus B${stamp}`,
    "=".repeat(head.length),
    head,
    "-".repeat(head.length),
    ...results.flatMap((result, i) => [
      `${line(rows[i])}${result.kind === "tested" ? stamp : ""}`,
      `${" ".repeat(widths[0])}  ${note(plan, result)}`,
    ]),
    `p: exact sign-flip test, differences symmetric about 0 under the null hypothesis; ${
      familyText(results)
    }`,
    "",
  ].join("\n");
}

function familyText(results: readonly ComparisonResult[]): string {
  const counted = (count: number) => count === 1 ? "1 comparison" : `${count} comparisons`;
  const leaking = results.filter(({ kind }) => kind === "leaks").length;
  const holm = `Holm over ${counted(results.length - leaking)}`;
  return leaking === 0 ? holm : `${holm}, without ${counted(leaking)} with an arm that leaks`;
}

function cellTexts(comparison: ComparisonResult): readonly string[] {
  const { a, b, seqLen } = comparison.planned;
  const leaking = new Set(comparison.kind === "leaks" ? comparison.arms : []);
  const head = [String(seqLen), `${stampedArm(a, leaking)} vs ${stampedArm(b, leaking)}`];
  if (comparison.kind === "leaks") return [...head, ...Array<string>(6).fill(LEAKS_STAMP)];
  if (comparison.kind === "missing") return [...head, ...Array<string>(6).fill("NO DATA")];
  const texts = comparisonTexts(comparison);
  return [
    ...head,
    String(comparison.result.n),
    texts.difference,
    texts.low === null ? "n/a" : `[${texts.low}, ${texts.high}]`,
    texts.p,
    texts.floor,
    texts.pHolm ?? "n/a",
  ];
}

function note(plan: ReportPlan, comparison: ComparisonResult): string {
  const verdict = verdictText(plan, comparison);
  if (comparison.kind !== "tested" || comparison.imputed === 0) return verdict;
  const runs = comparison.imputed === 1
    ? "1 diverged run counts"
    : `${comparison.imputed} diverged runs count`;
  return `${verdict}; ${runs} with the worst finite loss`;
}
