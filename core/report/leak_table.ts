/** What the audits of leaking arms found: fixed-width text, facts, and a LaTeX table of facts. */
import { type Fact, makeFact } from "./fact.ts";
import { escapeLatex, latexNumber } from "./latex_text.ts";
import { leakingArms, LEAKS_STAMP, type LeakSummary, stampedArm } from "./leaks.ts";
import { decimalsFor, fixedText, meanText } from "./number_text.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";
import type { CellSummary } from "./summaries.ts";

const HEADINGS = ["Seq Len", "Arm", "Largest change", "Gain (nats)", "95% CI", "n"] as const;
const HEADER = "% Generated from sealed records; edits are lost";

/** Cells of arms that leak somewhere; only they have something to show. */
function leakingCells(cells: readonly CellSummary[]): readonly CellSummary[] {
  const leaking = leakingArms(cells);
  return cells.filter(({ arm }) => leaking.has(arm));
}

/**
 * One line per cell of a leaking arm: largest change of a logit when a later token was changed, and what later
 * tokens are worth, with a 95 % t-interval over seeds. Empty where nothing leaks.
 */
export function leakTable(plan: ReportPlan, cells: readonly CellSummary[]): string {
  const leaking = leakingArms(cells);
  const rows = leakingCells(cells).map((cell) => [
    String(cell.seqLen),
    stampedArm(cell.arm, leaking),
    ...leakTexts(cell.leak),
  ]);
  if (rows.length === 0) return "";
  const widths = HEADINGS.map((heading, i) =>
    Math.max(heading.length, ...rows.map((row) => row[i].length))
  );
  const line = (row: readonly string[]) =>
    row.map((text, i) => text.padEnd(widths[i])).join("  ").trimEnd();
  const stamp = isSmoke(plan) ? `  [${SMOKE_STAMP}]` : "";
  return [
    `Arms that read later tokens: what these are worth on the validation text${stamp}`,
    "=".repeat(line(HEADINGS).length),
    line(HEADINGS),
    "-".repeat(line(HEADINGS).length),
    ...rows.map(line),
    "Their losses support no claim. Gain: loss without later tokens minus loss with them, paired by target",
    "",
  ].join("\n");
}

/** Largest change, gain, interval, seeds. */
function leakTexts({ largestChange, gain }: LeakSummary): readonly string[] {
  const change = largestChange.toPrecision(2);
  if (gain === null) return [change, "n/a", "n/a", "0"];
  const { mean, low, high, n } = gain;
  const half = halfWidth(gain);
  const decimals = decimalsFor(half);
  const interval = low === null || high === null
    ? "n/a"
    : `[${fixedText(low, decimals)}, ${fixedText(high, decimals)}]`;
  return [change, fixedText(mean, decimals), interval, String(n)];
}

function halfWidth({ low, high }: NonNullable<LeakSummary["gain"]>): number | null {
  return low === null || high === null ? null : (high - low) / 2;
}

/** What a reader must know: the stamp, and what the leak is worth. The part before the semicolon fits a figure. */
export function leakNotes({ leak, seqLen }: CellSummary): readonly string[] {
  if (!leak.leaks) return [];
  const [, mean, interval] = leakTexts(leak);
  const bounds = leak.gain === null || leak.gain.low === null ? "" : ` ${interval}`;
  const gain = leak.gain === null ? "" : `, gain ${mean} nats${bounds}`;
  return [
    `${seqLen}: ${LEAKS_STAMP}${gain}; ` +
    `later tokens are worth the gain per token (95% interval), its losses support no claim`,
  ];
}

/** Facts "leak/paper/128/leaks" of every cell, and ".../leak_gain/mean", ".../ci" and so on of leaking ones. */
export function leakFacts(plan: ReportPlan, cell: CellSummary): readonly Fact[] {
  const { leak, records } = cell;
  const prefix = `${plan.experiment}/${cell.arm}/${cell.seqLen}`;
  const runs = records.map(({ key }) => key);
  const audited = records.some((record) => record.leak !== null);
  const word = audited ? leak.leaks ? LEAKS_STAMP : "no" : "not audited";
  const fact = (name: string, value: number | string, text: string): Fact =>
    makeFact(`${prefix}/${name}`, { value, text, runs });
  const facts = [fact("leaks", word, word)];
  if (!leak.leaks) return facts;
  const [change, mean, interval, n] = leakTexts(leak);
  const { gain } = leak;
  const ci = gain === null ? "n/a" : meanText(gain.mean, halfWidth(gain), "\\ensuremath{\\pm}");
  return [
    ...facts,
    fact("leak_change", leak.largestChange, latexNumber(change)),
    fact("leak_gain/mean", gain?.mean ?? mean, latexNumber(mean)),
    fact("leak_gain/ci", gain?.mean ?? ci, ci.replace(/^-[\d.]+/, latexNumber)),
    fact("leak_gain/interval", interval, interval.replace(/-[\d.]+/g, latexNumber)),
    fact("leak_gain/n", Number(n), n),
  ];
}

/** The same table for LaTeX; empty where nothing leaks. */
export function leakLatexTable(plan: ReportPlan, cells: readonly CellSummary[]): string {
  const rows = leakingCells(cells).map(({ arm, seqLen, leak }) => {
    const facts = ["leak_change", "leak_gain/mean", "leak_gain/interval", "leak_gain/n"].map(
      (name) => `\\fact{${plan.experiment}/${arm}/${seqLen}/${name}}`,
    );
    const columns = leak.leaks ? facts : ["\\multicolumn{4}{c}{NO DATA}"];
    return `${[seqLen, latexArm(arm, leakingArms(cells)), ...columns].join(" & ")} \\\\`;
  });
  if (rows.length === 0) return "";
  return [
    HEADER,
    "\\begin{tabular}{@{}rlrrcr@{}}",
    "\\toprule",
    "$N$ & arm & largest change & gain (nats) & 95\\,\\% interval & seeds \\\\",
    "\\midrule",
    ...rows,
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

/** The name of an arm in a LaTeX table, with the stamp where it leaks. */
export function latexArm(arm: string, leaking: ReadonlySet<string>): string {
  return leaking.has(arm) ? `${escapeLatex(arm)} \\textbf{${LEAKS_STAMP}}` : escapeLatex(arm);
}
