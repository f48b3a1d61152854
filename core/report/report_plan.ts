/**
 * What a report is about: which units were planned, under which keys their records lie, and which
 * comparisons form the family. Written beside the results, so that figures, tables and paper can be
 * rebuilt from the sealed records alone.
 */
import { StoreError } from "../errors.ts";

/** Version of this layout. */
export const REPORT_PLAN_SCHEMA = "resnet-bk/report-plan/v1";

/** One planned unit. */
export interface PlannedUnit {
  /** Key of its record in the store. */
  readonly key: string;
  readonly arm: string;
  /** Sequence length in tokens. */
  readonly seqLen: number;
  readonly seed: number;
}

/** Arm `a` against arm `b`, paired by seed, at one length: a - b of a loss, a / b of a number of updates. */
export interface PlannedComparison {
  readonly a: string;
  readonly b: string;
  readonly seqLen: number;
}

/** Metrics that arms are compared by. */
export type ComparedMetric = "val_loss" | "steps_to_target";

/** The plan of one report. */
export interface ReportPlan {
  readonly schema: typeof REPORT_PLAN_SCHEMA;
  readonly experiment: string;
  readonly title: string;
  /** Path of the paper's main file from the root of the project; absent: the project's first paper. */
  readonly paper?: string;
  readonly profile: string;
  /** Arms in order of display. */
  readonly arms: readonly string[];
  /** Sequence lengths, ascending. */
  readonly lengths: readonly number[];
  readonly seeds: readonly number[];
  readonly units: readonly PlannedUnit[];
  /** The whole family: Holm's method counts every one of them. */
  readonly comparisons: readonly PlannedComparison[];
  /** Metric of the family; absent: "val_loss". */
  readonly primary?: ComparedMetric;
  /** Validation loss, nats per token, that units count updates to; absent: they count none. */
  readonly target?: number;
  /** Family-wise error rate. */
  readonly alpha: number;
  /** What a diverged seed counts as; the only rule of this report, stated so that no other is assumed. */
  readonly onDivergence: "worst";
}

/** The profile whose p-values are never evidence. */
export const SMOKE_PROFILE = "smoke";
/** The words that stand beside every p-value of that profile. */
export const SMOKE_STAMP = "smoke: not evidence";

/** Whether p-values of this plan carry the stamp. */
export function isSmoke(plan: ReportPlan): boolean {
  return plan.profile === SMOKE_PROFILE;
}

/** Metric of the family. */
export function primaryMetric(plan: ReportPlan): ComparedMetric {
  return plan.primary ?? "val_loss";
}

/** Metrics that the report compares besides that of the family. */
export function secondaryMetrics(plan: ReportPlan): readonly ComparedMetric[] {
  const metrics: readonly ComparedMetric[] = plan.target === undefined
    ? ["val_loss"]
    : ["val_loss", "steps_to_target"];
  return metrics.filter((metric) => metric !== primaryMetric(plan));
}

/** The first arm against every other arm, at every length. */
export function comparisonsAgainstFirst(
  arms: readonly string[],
  lengths: readonly number[],
): readonly PlannedComparison[] {
  return lengths.flatMap((seqLen) => arms.slice(1).map((b) => ({ a: arms[0], b, seqLen })));
}

/** The plan as text, ending in a line feed. */
export function formatReportPlan(plan: ReportPlan): string {
  return `${JSON.stringify(plan, null, 2)}\n`;
}

/**
 * Reads a plan back.
 *
 * @throws {StoreError} If the text is not a plan of this version
 */
export function parseReportPlan(text: string, path: string): ReportPlan {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new StoreError(`Cannot read report plan "${path}": ${(error as Error).message}`);
  }
  const schema = (value as { readonly schema?: unknown } | null)?.schema;
  if (schema !== REPORT_PLAN_SCHEMA) {
    throw new StoreError(
      `Cannot read report plan "${path}": at schema: expected "${REPORT_PLAN_SCHEMA}", got ` +
        `${JSON.stringify(schema)}; run deno task reproduce again`,
    );
  }
  return value as ReportPlan;
}
