/** Measures as a fixed-width table, as facts, and as a LaTeX table in which every number is a fact. */
import { type Fact, makeFact } from "./fact.ts";
import { escapeLatex, latexNumber } from "./latex_text.ts";
import type { MeasureSummary } from "./measures.ts";
import { decimalsFor, fixedText } from "./number_text.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";

/** More than these would be noise of the finite evaluation set. */
const MOST_DECIMALS = 3;
const HEADER = "% Generated from sealed records; edits are lost";

/** "0.981 ± 0.012", or what stands in its place. */
export function measureText(summary: MeasureSummary, sign = "±"): string {
  const { value, lacking, records } = summary;
  if (value === null) return `${lacking} of ${records} lack it`;
  const half = value.low === null || value.high === null ? null : (value.high - value.low) / 2;
  const decimals = Math.min(MOST_DECIMALS, decimalsFor(half));
  const mean = fixedText(value.mean, decimals);
  return half === null ? mean : `${mean} ${sign} ${fixedText(half, decimals)}`;
}

/** One table per length, measures down and arms across; empty where nothing was measured. */
export function measureTable(plan: ReportPlan, rows: readonly MeasureSummary[]): string {
  if (rows.length === 0) return "";
  const stamp = isSmoke(plan) ? `  [${SMOKE_STAMP}]` : "";
  return lengthsOf(rows).map((seqLen) => {
    const { arms, names, at } = grid(plan, rows, seqLen);
    const texts = [
      ["measure", ...arms.map(({ label }) => label)],
      ...names.map((name) => [name, ...arms.map(({ arm }) => cellText(at(name, arm)))]),
    ];
    const widths = texts[0].map((_, column) => Math.max(...texts.map((row) => row[column].length)));
    const lines = texts.map((row) =>
      row.map((text, column) => text.padEnd(widths[column])).join("  ").trimEnd()
    );
    const title = `Measures at N = ${seqLen}: mean over seeds and 95 % t-interval${stamp}`;
    return [title, "=".repeat(title.length), ...lines, ""].join("\n");
  }).join("\n");
}

/** Facts "recall/transformer/544/accuracy/128/ci" and ".../mean". */
export function measureFacts(
  plan: ReportPlan,
  rows: readonly MeasureSummary[],
): readonly Fact[] {
  return rows.flatMap((row) => {
    const prefix = `${plan.experiment}/${row.arm}/${row.seqLen}/${row.name}`;
    const { value, keys: runs } = row;
    const text = measureText(row, "\\ensuremath{\\pm}").replace(/^-/, "\\ensuremath{-}");
    const mean = value === null
      ? { value: text, text, runs }
      : { value: value.mean, text: latexNumber(fixedText(value.mean, MOST_DECIMALS)), runs };
    return [
      makeFact(`${prefix}/ci`, { value: value?.mean ?? text, text, runs }),
      makeFact(`${prefix}/mean`, mean),
    ];
  });
}

/** The same table for LaTeX. */
export function measureLatexTable(plan: ReportPlan, rows: readonly MeasureSummary[]): string {
  const tables = lengthsOf(rows).map((seqLen) => {
    const { arms, names, at } = grid(plan, rows, seqLen);
    return [
      `\\begin{tabular}{@{}l${"c".repeat(arms.length)}@{}}`,
      "\\toprule",
      `$N = ${seqLen}$ & ${arms.map(({ label }) => escapeLatex(label)).join(" & ")} \\\\`,
      "\\midrule",
      ...names.map((name) =>
        `${
          [
            `\\path{${name}}`,
            ...arms.map(({ arm }) =>
              at(name, arm) === undefined
                ? "NO DATA"
                : `\\fact{${plan.experiment}/${arm}/${seqLen}/${name}/ci}`
            ),
          ].join(" & ")
        } \\\\`
      ),
      "\\bottomrule",
      "\\end{tabular}",
    ].join("\n");
  });
  return [HEADER, tables.join("\n\\par\\medskip\n"), ""].join("\n");
}

function cellText(summary: MeasureSummary | undefined): string {
  return summary === undefined ? "NO DATA" : measureText(summary);
}

function lengthsOf(rows: readonly MeasureSummary[]): readonly number[] {
  return [...new Set(rows.map((row) => row.seqLen))];
}

interface Grid {
  readonly arms: readonly { readonly arm: string; readonly label: string }[];
  readonly names: readonly string[];
  readonly at: (name: string, arm: string) => MeasureSummary | undefined;
}

function grid(plan: ReportPlan, rows: readonly MeasureSummary[], seqLen: number): Grid {
  const here = rows.filter((row) => row.seqLen === seqLen);
  return {
    arms: plan.arms.map((arm) => ({
      arm,
      label: here.find((row) => row.arm === arm)?.label ?? arm,
    })),
    names: [...new Set(here.map((row) => row.name))],
    at: (name, arm) => here.find((row) => row.name === name && row.arm === arm),
  };
}
