/** Comparisons as plain JSON, for readers that are not people. */
import {
  compareCells,
  compareSecondary,
  type ComparisonResult,
  type TestedLoss,
  type TestedUpdates,
} from "./comparisons.ts";
import { ratioSummary } from "./ratio_texts.ts";
import { type ComparedMetric, primaryMetric, type ReportPlan } from "./report_plan.ts";
import type { CellSummary } from "./summaries.ts";
import { verdictText } from "./verdict.ts";

/** One comparison in snake_case; what it does not have is null. */
export type ComparisonJson = Readonly<Record<string, string | number | boolean | null>>;

/** All comparisons of a report: those of the family first, in the plan's order, then those by other metrics. */
export function comparisonsJson(
  plan: ReportPlan,
  cells: readonly CellSummary[],
): readonly ComparisonJson[] {
  const family = { metric: primaryMetric(plan), results: compareCells(plan, cells) };
  return [family, ...compareSecondary(plan, cells)].flatMap(({ metric, results }) =>
    results.map((result) => comparisonJson(plan, result, { metric }))
  );
}

/** What a tested comparison has and another does not. */
const NUMBERS = {
  val_loss: [
    "n",
    ...["mean_difference", "low", "high", "level", "dz", "diverged"],
    ...["p", "floor", "p_holm"],
  ],
  steps_to_target: [
    "n",
    ...["ratio", "low", "high", "level", "censored_pairs", "censored_a", "censored_b"],
    ...["first_a", "first_b", "test", "summary"],
    ...["p", "floor", "p_holm"],
  ],
} as const satisfies Readonly<Record<ComparedMetric, readonly string[]>>;

function comparisonJson(
  plan: ReportPlan,
  comparison: ComparisonResult,
  { metric }: { readonly metric: ComparedMetric },
): ComparisonJson {
  const { a, b, seqLen } = comparison.planned;
  const target = metric === "steps_to_target" ? plan.target ?? null : null;
  const head = { metric, target, in_family: metric === primaryMetric(plan), a, b, seq_len: seqLen };
  const verdict = verdictText(plan, comparison);
  if (comparison.kind !== "tested") {
    const numbers = Object.fromEntries(NUMBERS[metric].map((key) => [key, null]));
    return { ...head, state: comparison.kind, ...numbers, verdict };
  }
  const { result: { n, pExact, floor }, family } = comparison;
  return {
    ...head,
    state: "tested",
    n,
    ...(comparison.metric === "val_loss" ? lossJson(comparison) : updatesJson(comparison)),
    p: pExact,
    floor,
    p_holm: family?.pHolm ?? null,
    verdict,
  };
}

function lossJson({ result, imputed }: TestedLoss): ComparisonJson {
  const estimated = result.kind === "estimated" ? result : null;
  return {
    mean_difference: result.meanDifference,
    low: estimated?.low ?? null,
    high: estimated?.high ?? null,
    level: estimated?.level ?? null,
    dz: estimated?.dz ?? null,
    diverged: imputed,
  };
}

function updatesJson(comparison: TestedUpdates): ComparisonJson {
  const { result } = comparison;
  const interval = result.kind === "ratio" ? result : null;
  return {
    ratio: result.kind === "no-ratio" ? null : result.ratio,
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    level: interval?.level ?? null,
    censored_pairs: result.censoredPairs,
    censored_a: result.censoredA,
    censored_b: result.censoredB,
    first_a: result.earlierA,
    first_b: result.earlierB,
    test: result.test,
    summary: ratioSummary(comparison),
  };
}
