/** Tables of the paper as booktabs tabulars; every number in them is a fact. */
import type { ComparisonResult } from "./comparisons.ts";
import { footnotes } from "./console_table.ts";
import { type Fact, sortFacts } from "./fact.ts";
import { escapeLatex } from "./latex_text.ts";
import { latexArm } from "./leak_table.ts";
import { leakingArms, LEAKS_STAMP } from "./leaks.ts";
import { comparisonKey, DIVERGED_MARK } from "./result_facts.ts";
import { type ComparedMetric, primaryMetric, type ReportPlan } from "./report_plan.ts";
import { floorsOf } from "./setting_facts.ts";
import type { CellSummary } from "./summaries.ts";
import { verdictText } from "./verdict.ts";

const HEADER = "% Generated from sealed records; edits are lost";

/** Arms by length: loss with half-width, perplexity, spikes, gradient norm, seeds, parameters. */
export function cellsTable(plan: ReportPlan, cells: readonly CellSummary[]): string {
  const leaking = leakingArms(cells);
  const groups = plan.lengths.map((seqLen) =>
    cells.filter((cell) => cell.seqLen === seqLen).map((cell, i) =>
      cellRow(plan, cell, { isFirst: i === 0, leaking })
    )
  );
  const notes = cells.flatMap((cell) =>
    footnotes(cell).map((note) =>
      `${cell.diverged > 0 ? DIVERGED_MARK : ""}${escapeLatex(`${cell.arm}, N = ${note}`)}.`
    )
  );
  const floors = floorNote(plan, cells);
  return [
    HEADER,
    "\\begin{tabular}{@{}rlccccrr@{}}",
    "\\toprule",
    "$N$ & arm & val.\\ loss (nats) & PPL & grad.\\ norm & spikes & seeds & parameters \\\\",
    "\\midrule",
    groups.map((rows) => rows.join("\n")).join("\n\\addlinespace\n"),
    "\\bottomrule",
    "\\end{tabular}",
    `\\par\\smallskip{\\footnotesize ${[...floors, ...notes].join(" ")}}`,
    "",
  ].join("\n");
}

/** Floors as facts, one sentence per length, or one for all where they agree. */
function floorNote(plan: ReportPlan, cells: readonly CellSummary[]): readonly string[] {
  const sentences = plan.lengths.map((seqLen) => {
    const records = cells.filter((cell) => cell.seqLen === seqLen).flatMap((cell) => cell.records);
    const floors = floorsOf(records);
    const parts = floors.map(({ label }) =>
      `${escapeLatex(label)} \\fact{${plan.experiment}/floor/${seqLen}/${label}}`
    );
    const image = JSON.stringify(floors);
    // A task has no text to count in.
    const isTask = floors.every(({ label }) => label === "guessing");
    const what = isTask ? "For comparison" : "Counting models on the same text";
    return { seqLen, image, what, text: parts.join(", "), empty: floors.length === 0 };
  }).filter(({ empty }) => !empty);
  if (new Set(sentences.map(({ image }) => image)).size === 1) {
    return [`${sentences[0].what} (nats): ${sentences[0].text}.`];
  }
  return sentences.map(({ seqLen, text }) => `Counting models at $N = ${seqLen}$ (nats): ${text}.`);
}

function cellRow(plan: ReportPlan, cell: CellSummary, { isFirst, leaking }: {
  readonly isFirst: boolean;
  readonly leaking: ReadonlySet<string>;
}): string {
  const fact = (name: string) => `\\fact{${plan.experiment}/${cell.arm}/${cell.seqLen}/${name}}`;
  const columns = cell.records.length === 0
    ? ["\\multicolumn{6}{c}{NO DATA}"]
    : ["val_loss/ci", "ppl", "grad_norm", "spikes", "n_seeds", "parameters"].map(fact);
  return `${
    [isFirst ? String(cell.seqLen) : "", latexArm(cell.arm, leaking), ...columns].join(" & ")
  } \\\\`;
}

/** Columns of comparisons by metric: alignment, headings, facts, sign between the arms. */
const COMPARISONS = {
  val_loss: {
    align: "rlrrcccrl",
    head:
      "$N$ & $A - B$ & $n$ & diff.\\ (nats) & 95\\,\\% interval & $p$ & floor & Holm $p$ & $d_z$",
    facts: ["n", "mean_diff", "ci", "p", "floor", "p_holm", "dz"],
    sign: "$-$",
  },
  steps_to_target: {
    align: "rlrrrcccr",
    head: "$N$ & $A / B$ & $n$ & censored & ratio & 95\\,\\% interval & $p$ & floor & Holm $p$",
    facts: ["n", "censored", "ratio", "ci", "p", "floor", "p_holm"],
    sign: "$/$",
  },
} as const;

/**
 * Comparisons with estimate, interval, exact p, floor, adjusted p and verdict: differences of losses with effect size,
 * or ratios of updates with the number of censored pairs.
 */
export function comparisonsTable(
  plan: ReportPlan,
  results: readonly ComparisonResult[],
  { metric = primaryMetric(plan) }: { readonly metric?: ComparedMetric } = {},
): string {
  const { align, head } = COMPARISONS[metric];
  return [
    HEADER,
    `\\begin{tabular}{@{}${align}@{}}`,
    "\\toprule",
    `${head} \\\\`,
    "\\midrule",
    results.map((result) => comparisonRows(plan, result, { metric }).join("\n"))
      .join("\n\\addlinespace\n"),
    "\\bottomrule",
    "\\end{tabular}",
    "",
  ].join("\n");
}

function comparisonRows(
  plan: ReportPlan,
  result: ComparisonResult,
  { metric }: { readonly metric: ComparedMetric },
): readonly string[] {
  const { a, b, seqLen } = result.planned;
  const { facts, sign } = COMPARISONS[metric];
  const fact = (name: string) => `\\fact{${comparisonKey(plan, result, { metric })}/${name}}`;
  const columns = result.kind !== "tested"
    ? [`\\multicolumn{7}{c}{${result.kind === "leaks" ? LEAKS_STAMP : "NO DATA"}}`]
    : facts.map(fact);
  const leaking = new Set(result.kind === "leaks" ? result.arms : []);
  const head = [String(seqLen), `${latexArm(a, leaking)} ${sign} ${latexArm(b, leaking)}`];
  const verdict = escapeLatex(verdictText(plan, result));
  return [
    `${[...head, ...columns].join(" & ")} \\\\`,
    ` & \\multicolumn{8}{@{}l}{\\footnotesize\\itshape ${verdict}} \\\\`,
  ];
}

/** Every fact with its value, number of runs and digest. */
export function provenanceTable(facts: readonly Fact[]): string {
  return [
    HEADER,
    "\\begin{longtable}{@{}>{\\raggedright\\arraybackslash}p{0.47\\linewidth}" +
    ">{\\raggedright\\arraybackslash}p{0.31\\linewidth}rl@{}}",
    "\\toprule",
    "fact & value & runs & digest \\\\",
    "\\midrule",
    "\\endhead",
    "\\bottomrule",
    "\\endlastfoot",
    ...sortFacts(facts).map((fact) =>
      `\\path{${fact.key}} & \\fact{${fact.key}} & ${fact.runs.length} & \\texttt{${fact.digest}} \\\\`
    ),
    "\\end{longtable}",
    "",
  ].join("\n");
}
