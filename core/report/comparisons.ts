/** The family of planned comparisons by the primary metric, with Holm's adjustment, and those by other metrics. */
import { compareArms, type Comparison } from "../stats/compare_arms.ts";
import { compareFamily, type FamilyMember, type FamilyTest } from "../stats/compare_family.ts";
import { compareTimes, type TimeComparison } from "../stats/compare_times.ts";
import { updatesToTarget } from "./cell_metrics.ts";
import { leakingArms } from "./leaks.ts";
import {
  type ComparedMetric,
  type PlannedComparison,
  primaryMetric,
  type ReportPlan,
  secondaryMetrics,
} from "./report_plan.ts";
import { type CellSummary, findCell, LEVEL } from "./summaries.ts";

/** What a tested comparison has by any metric. */
interface Tested {
  readonly kind: "tested";
  readonly planned: PlannedComparison;
  /** Whether it belongs to the family. Comparisons by other metrics are not adjusted and support no verdict. */
  readonly inFamily: boolean;
  /** Null while a member of the family is missing, since the adjustment needs all of them, and outside the family. */
  readonly family: FamilyMember | null;
  /** Keys of the records behind it. */
  readonly keys: readonly string[];
}

/** A difference of final validation losses, nats per token. */
export interface TestedLoss extends Tested {
  readonly metric: "val_loss";
  readonly result: Comparison;
  /** Diverged seeds on both sides, which entered with the worst finite loss of the cell. */
  readonly imputed: number;
}

/** A ratio of updates to the target loss; a diverged seed is censored. */
export interface TestedUpdates extends Tested {
  readonly metric: "steps_to_target";
  readonly result: TimeComparison;
}

/** One planned comparison: tested, or why it could not or must not be. */
export type ComparisonResult =
  | TestedLoss
  | TestedUpdates
  | { readonly kind: "missing"; readonly planned: PlannedComparison; readonly reason: string }
  /** An arm reads later tokens, so that its loss says nothing: there is no test and no verdict. */
  | {
    readonly kind: "leaks";
    readonly planned: PlannedComparison;
    readonly arms: readonly string[];
  };

/**
 * Results in the plan's order. A comparison with a leaking arm can support no claim and is no member of the family;
 * one that lacks records is, and keeps the others from their adjustment.
 */
export function compareCells(
  plan: ReportPlan,
  cells: readonly CellSummary[],
): readonly ComparisonResult[] {
  const results = compareAll(plan, cells, { metric: primaryMetric(plan), inFamily: true });
  const tested = results.filter((result) => result.kind === "tested");
  if (tested.length === 0 || results.some(({ kind }) => kind === "missing")) return results;
  const family = compareFamily(
    tested.map(({ result }): FamilyTest => result),
    { alpha: plan.alpha },
  );
  const adjusted = tested.map((result, i) => ({ ...result, family: family[i] }));
  return results.map((result) =>
    adjusted.find(({ planned }) => planned === result.planned) ?? result
  );
}

/** Results by the other metrics, in the plan's order; they belong to no family. */
export function compareSecondary(
  plan: ReportPlan,
  cells: readonly CellSummary[],
): readonly SecondaryComparisons[] {
  return secondaryMetrics(plan).map((metric) => ({
    metric,
    results: compareAll(plan, cells, { metric, inFamily: false }),
  }));
}

/** Comparisons by a metric that is not that of the family. */
export interface SecondaryComparisons {
  readonly metric: ComparedMetric;
  readonly results: readonly ComparisonResult[];
}

interface Way {
  readonly metric: ComparedMetric;
  readonly inFamily: boolean;
}

function compareAll(
  plan: ReportPlan,
  cells: readonly CellSummary[],
  way: Way,
): readonly ComparisonResult[] {
  const leaking = leakingArms(cells);
  return plan.comparisons.map((planned): ComparisonResult => {
    const arms = [planned.a, planned.b].filter((arm) => leaking.has(arm));
    return arms.length > 0 ? { kind: "leaks", planned, arms } : compareOne(planned, cells, way);
  });
}

function compareOne(
  planned: PlannedComparison,
  cells: readonly CellSummary[],
  { metric, inFamily }: Way,
): ComparisonResult {
  const sides = [planned.a, planned.b].map((arm) =>
    findCell(cells, { arm, seqLen: planned.seqLen })
  );
  const [a, b] = sides;
  const reason = whyNot(planned.a, a, { metric }) ?? whyNot(planned.b, b, { metric });
  if (reason !== null || a === undefined || b === undefined) {
    return { kind: "missing", planned, reason: reason ?? "not planned" };
  }
  const keys = [a, b].flatMap((cell) => cell.records.map(({ key }) => key));
  const common = { kind: "tested", planned, inFamily, family: null, keys } as const;
  return metric === "val_loss"
    ? {
      ...common,
      metric,
      result: compareArms(armOf(a), armOf(b), { level: LEVEL }),
      imputed: a.diverged + b.diverged,
    }
    : {
      ...common,
      metric,
      result: compareTimes(timedArmOf(a), timedArmOf(b), { level: LEVEL }),
    };
}

function whyNot(
  arm: string,
  cell: CellSummary | undefined,
  { metric }: Pick<Way, "metric">,
): string | null {
  if (cell === undefined) return `${arm} is not planned at this length`;
  const missing = cell.planned - cell.records.length;
  if (missing > 0) return `${arm}: ${missing} of ${cell.planned} seeds have no record`;
  // A number of updates needs no value in the place of a diverged run's: it is censored.
  if (metric === "val_loss" && cell.seeds.length === 0) {
    return `${arm}: every seed of the cell diverged`;
  }
  return null;
}

function armOf(cell: CellSummary): Parameters<typeof compareArms>[0] {
  return {
    name: cell.arm,
    values: cell.seeds.map(({ seed, loss }) => ({ seed, value: loss })),
  };
}

function timedArmOf(cell: CellSummary): Parameters<typeof compareTimes>[0] {
  return {
    name: cell.arm,
    values: cell.records.map((record) => ({ seed: record.seed, value: updatesToTarget(record) })),
  };
}
