import { REPORT_PLAN_SCHEMA, type ReportPlan } from "../report/report_plan.ts";
import type { Campaign } from "../run/plan_campaign.ts";

/** What the report of a campaign is about: its units, and every declared comparison at every length. */
export function reportPlanOf({ resolved, jobs }: Campaign): ReportPlan {
  const { metadata, grid, replicates, analysis, arms, metrics } = resolved.manifest;
  const lengths = [...grid.seqLen].sort((a, b) => a - b);
  return {
    schema: REPORT_PLAN_SCHEMA,
    experiment: metadata.name,
    title: metadata.title,
    ...(metadata.paper === undefined ? {} : { paper: metadata.paper }),
    profile: resolved.profile,
    arms: Object.keys(arms),
    lengths,
    seeds: replicates.seeds,
    units: jobs.map(({ key, unit }) => ({
      key,
      arm: unit.arm,
      seqLen: unit.cell.seq_len,
      seed: unit.seed,
    })),
    comparisons: lengths.flatMap((seqLen) =>
      Object.values(analysis.comparisons).map(({ a, b }) => ({ a, b, seqLen }))
    ),
    ...(analysis.primary === "val_loss" ? {} : { primary: analysis.primary }),
    ...(metrics.stepsToTarget === undefined ? {} : { target: metrics.stepsToTarget.target }),
    alpha: analysis.alpha,
    onDivergence: analysis.onDivergence,
  };
}
