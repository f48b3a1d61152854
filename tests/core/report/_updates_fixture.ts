/** A campaign that counts updates to a target loss. */
import type { ReportPlan } from "../../../core/report/report_plan.ts";
import type { ReportInput } from "../../../core/report/summaries.ts";
import { exactNumber } from "../../../core/store/exact_number.ts";
import type { RunRecord } from "../../../core/store/record.ts";
import type { FixtureOptions } from "./_fixture.ts";
import { goldenFixture } from "./_golden_fixture.ts";

// scipy 1.17.1, d = np.log(a / b): stats.gmean(a / b) → 0.9414425; np.exp(stats.t.interval(.95, 7, loc=d.mean(),
// scale=stats.sem(d))) → 0.8985644, 0.9863668; 8 of the 256 sign flips are as extreme → 0.03125.
export const A = [181.5, 190.25, 176, 201, 188.75, 170.5, 195, 183.25];
export const B = [199, 205.5, 171.25, 214, 203, 189.5, 190.75, 207];

type Updates = readonly (number | null)[];

export interface UpdatesOptions extends FixtureOptions {
  readonly a?: Updates;
  readonly b?: Updates;
  readonly plan?: Partial<ReportPlan>;
}

/** The golden campaign of losses with numbers of updates to 2.5 nats, by seed from 42. */
export function campaign(
  { a = A, b = B, plan = {}, ...options }: UpdatesOptions = {},
): ReportInput {
  const input = goldenFixture(options);
  return {
    ...input,
    plan: { ...input.plan, target: 2.5, primary: "steps_to_target", ...plan },
    records: input.records.map((record): RunRecord => {
      const updates = (record.arm === "transformer" ? b : a)[record.seed - 42];
      const metrics = {
        ...record.metrics,
        steps_to_target: updates === null ? null : exactNumber(updates),
      };
      if (updates !== null) return { ...record, metrics };
      const reason = record.outcome.kind === "diverged" ? "diverged" : "not reached";
      return { ...record, metrics, censored: { steps_to_target: { after: 300, reason } } };
    }),
  };
}
