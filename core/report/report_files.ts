/** Everything a report consists of, as texts by path; a function of its input alone. */
import { comparisonTable } from "./comparison_table.ts";
import {
  compareCells,
  compareSecondary,
  type ComparisonResult,
  type SecondaryComparisons,
} from "./comparisons.ts";
import { type ComparisonJson, comparisonsJson } from "./comparisons_json.ts";
import { multiLengthTables, smokeBanner } from "./console_table.ts";
import { curveCsv, curveRows } from "./curve_rows.ts";
import type { Fact } from "./fact.ts";
import { figureCurves } from "./figure_curves.ts";
import { figureMeasures } from "./figure_measures.ts";
import { cellsTable, comparisonsTable, provenanceTable } from "./latex_tables.ts";
import { measureCsv, type MeasureSummary, summariseMeasures } from "./measures.ts";
import { measureFacts, measureLatexTable, measureTable } from "./measure_tables.ts";
import { leakFacts, leakLatexTable, leakTable } from "./leak_table.ts";
import { renderSvg } from "./render_svg.ts";
import { type ComparedMetric, formatReportPlan } from "./report_plan.ts";
import { cellFacts, comparisonFacts } from "./result_facts.ts";
import { factsJson, primaryComparison, resultsTex, verdictSentence } from "./results_tex.ts";
import { campaignFacts, chanceOf, floorFacts, floorsOf, settingFacts } from "./setting_facts.ts";
import { type CellSummary, type ReportInput, summarise } from "./summaries.ts";
import { targetCsv, targetFacts, targetTable } from "./target_table.ts";

/** Path of the plan below the output folder; `deno task paper` starts from it. */
export const REPORT_PLAN_PATH = "report.json";
/** Path of the loss figure below the output folder. */
export const FIGURE_SVG_PATH = "figures/curves.svg";
/** Path of the figure of further measures, which a campaign without any does not have. */
export const MEASURES_SVG_PATH = "figures/measures.svg";
/** Path of the updates to a target loss by unit, which a campaign that counts none does not have. */
export const TARGET_CSV_PATH = "figures/steps_to_target.csv";

/** Path of the LaTeX table of comparisons by a metric that is not that of the family. */
function secondaryPath(metric: ComparedMetric): string {
  return `paper/generated/tables/comparisons_${metric}.tex`;
}

const MEASURES_CSV_PATH = "figures/measures.csv";
const MEASURES_TEX_PATH = "paper/generated/tables/measures.tex";
const LEAKS_TEX_PATH = "paper/generated/tables/leaks.tex";

/** Texts that not every campaign has. */
export const OPTIONAL_PATHS: readonly string[] = [
  MEASURES_SVG_PATH,
  MEASURES_CSV_PATH,
  MEASURES_TEX_PATH,
  LEAKS_TEX_PATH,
  TARGET_CSV_PATH,
  secondaryPath("val_loss"),
  secondaryPath("steps_to_target"),
];

/** Texts of a report. */
export interface ReportFiles {
  /** What the command prints. */
  readonly consoleText: string;
  /** Comparisons as plain JSON, those of the family first. */
  readonly comparisons: readonly ComparisonJson[];
  /** File texts by path below the output folder. */
  readonly texts: ReadonlyMap<string, string>;
}

/**
 * Composes all files.
 *
 * @throws {StoreError} If a record lacks what the report must show
 */
export async function reportFiles(input: ReportInput): Promise<ReportFiles> {
  const { plan } = input;
  const cells = summarise(input);
  const comparisons = compareCells(plan, cells);
  const secondary = compareSecondary(plan, cells);
  const rows = cells.flatMap((cell) => curveRows(cell, input.curves));
  const spec = figureCurves({ plan, cells, rows, floors: floorsByLength(cells) });
  const tables = multiLengthTables(plan, cells);
  const comparisonText = comparisonTable(plan, comparisons);
  const measures = summariseMeasures(cells);
  const measureText = measureTable(plan, measures);
  const leakText = leakTable(plan, cells);
  const consoleText = [
    smokeBanner(plan),
    tables,
    leakText,
    measureText,
    targetTable(plan, cells),
    comparisonText,
    ...secondary.map(({ metric, results }) => comparisonTable(plan, results, { metric })),
  ].filter(Boolean).join("\n");
  const facts = [
    ...allFacts(input, { cells, comparisons, secondary }),
    ...measureFacts(plan, measures),
  ];
  const verdicts = comparisons.map((comparison) => verdictSentence(plan, comparison));
  const primary = primaryComparison(plan, comparisons);
  const primaryVerdict = primary === undefined ? [] : [{
    key: `${plan.experiment}/primary`,
    sentence: verdictSentence(plan, primary).sentence,
  }];
  const texts = new Map([
    [REPORT_PLAN_PATH, formatReportPlan(plan)],
    [FIGURE_SVG_PATH, await renderSvg(spec, "curves")],
    ["figures/curves.csv", curveCsv(rows)],
    ["tables/summary.txt", consoleText],
    ["paper/generated/facts.json", factsJson(facts)],
    [
      "paper/generated/results.tex",
      resultsTex(plan, { facts, verdicts: [...verdicts, ...primaryVerdict] }),
    ],
    ["paper/generated/tables/cells.tex", cellsTable(plan, cells)],
    ["paper/generated/tables/comparisons.tex", comparisonsTable(plan, comparisons)],
    ["paper/generated/tables/verdicts.tex", verdictList(verdicts.map(({ key }) => key))],
    ["paper/generated/tables/provenance.tex", provenanceTable(facts)],
    ...await measureFiles(input, measures),
    ...(plan.target === undefined ? [] : [[TARGET_CSV_PATH, targetCsv(cells)]] as const),
    ...secondary.map(({ metric, results }) =>
      [
        secondaryPath(metric),
        comparisonsTable(plan, results, { metric }),
      ] as const
    ),
    ...(leakText === "" ? [] : [[LEAKS_TEX_PATH, leakLatexTable(plan, cells)]] as const),
  ]);
  return { consoleText, comparisons: comparisonsJson(plan, cells), texts };
}

/** Figure, its numbers and table of further measures; nothing where none was made. */
async function measureFiles(
  { plan, records }: ReportInput,
  rows: readonly MeasureSummary[],
): Promise<readonly (readonly [string, string])[]> {
  if (rows.length === 0) return [];
  const spec = figureMeasures({ plan, rows, chance: chanceOf(records) });
  return [
    [MEASURES_SVG_PATH, await renderSvg(spec, "measures")],
    [MEASURES_CSV_PATH, measureCsv(rows)],
    [MEASURES_TEX_PATH, measureLatexTable(plan, rows)],
  ];
}

function allFacts(
  { plan }: ReportInput,
  results: {
    readonly cells: readonly CellSummary[];
    readonly comparisons: readonly ComparisonResult[];
    readonly secondary: readonly SecondaryComparisons[];
  },
): readonly Fact[] {
  const records = results.cells.flatMap((cell) => cell.records);
  const byLength = new Map(plan.lengths.map((seqLen) => [
    seqLen,
    results.cells.filter((cell) => cell.seqLen === seqLen).flatMap((cell) => cell.records),
  ]));
  const primary = primaryComparison(plan, results.comparisons);
  return [
    ...campaignFacts(plan, records),
    ...settingFacts(plan, records),
    ...floorFacts(plan, byLength),
    ...results.cells.flatMap((cell) => cellFacts(plan, cell)),
    ...results.cells.flatMap((cell) => leakFacts(plan, cell)),
    ...results.cells.flatMap((cell) => targetFacts(plan, cell)),
    ...results.comparisons.flatMap((comparison) => comparisonFacts(plan, comparison)),
    ...results.secondary.flatMap(({ metric, results }) =>
      results.flatMap((comparison) => comparisonFacts(plan, comparison, { metric }))
    ),
    ...(primary === undefined
      ? []
      : comparisonFacts(plan, primary, { prefix: `${plan.experiment}/primary` })),
  ];
}

function floorsByLength(
  cells: readonly CellSummary[],
): ReadonlyMap<number, ReturnType<typeof floorsOf>> {
  const lengths = [...new Set(cells.map((cell) => cell.seqLen))];
  return new Map(lengths.map((seqLen) => [
    seqLen,
    floorsOf(cells.filter((cell) => cell.seqLen === seqLen).flatMap((cell) => cell.records)),
  ]));
}

function verdictList(keys: readonly string[]): string {
  return [
    "% Generated from sealed records; edits are lost",
    "\\begin{itemize}",
    ...keys.map((key) => `\\item \\verdict{${key}}`),
    "\\end{itemize}",
    "",
  ].join("\n");
}
