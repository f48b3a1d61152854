/** The family of planned comparisons on final validation loss, with Holm's adjustment. */
import { compareArms, type Comparison } from "../stats/compare_arms.ts";
import { compareFamily, type FamilyComparison } from "../stats/compare_family.ts";
import { leakingArms } from "./leaks.ts";
import type { PlannedComparison, ReportPlan } from "./report_plan.ts";
import { type CellSummary, findCell, LEVEL } from "./summaries.ts";

/** One planned comparison: tested, or why it could not or must not be. */
export type ComparisonResult =
  | {
    readonly kind: "tested";
    readonly planned: PlannedComparison;
    readonly result: Comparison;
    /** Null while a member of the family is missing: the adjustment needs all of them. */
    readonly family: FamilyComparison | null;
    /** Keys of the records behind it. */
    readonly keys: readonly string[];
    /** Diverged seeds on both sides, which entered with the worst finite loss of the cell. */
    readonly imputed: number;
  }
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
  const leaking = leakingArms(cells);
  const results = plan.comparisons.map((planned): ComparisonResult => {
    const arms = [planned.a, planned.b].filter((arm) => leaking.has(arm));
    return arms.length > 0 ? { kind: "leaks", planned, arms } : compareOne(planned, cells);
  });
  const tested = results.filter((result) => result.kind === "tested");
  if (tested.length === 0 || results.some(({ kind }) => kind === "missing")) return results;
  const family = compareFamily(tested.map(({ result }) => result), { alpha: plan.alpha });
  const adjusted = tested.map((result, i) => ({ ...result, family: family[i] }));
  return results.map((result) =>
    adjusted.find(({ planned }) => planned === result.planned) ?? result
  );
}

function compareOne(
  planned: PlannedComparison,
  cells: readonly CellSummary[],
): ComparisonResult {
  const sides = [planned.a, planned.b].map((arm) =>
    findCell(cells, { arm, seqLen: planned.seqLen })
  );
  const [a, b] = sides;
  const reason = whyNot(planned.a, a) ?? whyNot(planned.b, b);
  if (reason !== null || a === undefined || b === undefined) {
    return { kind: "missing", planned, reason: reason ?? "not planned" };
  }
  const result = compareArms(armOf(a), armOf(b), { level: LEVEL });
  return {
    kind: "tested",
    planned,
    result,
    family: null,
    keys: [a, b].flatMap((cell) => cell.seeds.map((seed) => seed.key)),
    imputed: a.diverged + b.diverged,
  };
}

function whyNot(arm: string, cell: CellSummary | undefined): string | null {
  if (cell === undefined) return `${arm} is not planned at this length`;
  const missing = cell.planned - cell.records.length;
  if (missing > 0) return `${arm}: ${missing} of ${cell.planned} seeds have no record`;
  if (cell.seeds.length === 0) return `${arm}: every seed of the cell diverged`;
  return null;
}

function armOf(cell: CellSummary): Parameters<typeof compareArms>[0] {
  return {
    name: cell.arm,
    values: cell.seeds.map(({ seed, loss }) => ({ seed, value: loss })),
  };
}
