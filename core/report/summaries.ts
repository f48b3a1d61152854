/** Sealed records to one summary per arm and length. Losses in nats per token. */
import { mean as meanOf } from "../stats/mean.ts";
import { sampleStandardDeviation } from "../stats/sample_standard_deviation.ts";
import { tInterval } from "../stats/t_interval.ts";
import { curveOf } from "../store/curve_of.ts";
import type { RunRecord } from "../store/record.ts";
import { type LeakSummary, summariseLeaks } from "./leaks.ts";
import { type Curves, finalLoss, seqLenOf, spikeCount } from "./cell_metrics.ts";
import type { ReportPlan } from "./report_plan.ts";

/** Coverage of every interval of a report. */
export const LEVEL = 0.95;

/** One seed's end point. */
export interface SeedLoss {
  readonly seed: number;
  readonly key: string;
  /** Final validation loss; for a diverged seed the worst finite value of the cell. */
  readonly loss: number;
  readonly diverged: boolean;
}

/** Mean with a 95 % t-interval over seeds. */
export interface LossSummary {
  readonly mean: number;
  /** Null with fewer than two seeds. */
  readonly low: number | null;
  readonly high: number | null;
  readonly halfWidth: number | null;
  /** exp(mean). */
  readonly perplexity: number;
}

/** One arm at one length. */
export interface CellSummary {
  readonly arm: string;
  readonly seqLen: number;
  /** Units planned. */
  readonly planned: number;
  /** Records found, one a seed, in order of seed. */
  readonly records: readonly RunRecord[];
  readonly seeds: readonly SeedLoss[];
  readonly diverged: number;
  /** Null where no seed has a value: nothing ran, or everything diverged. */
  readonly loss: LossSummary | null;
  /** Loss spikes over all seeds: a logged loss above twice the one before. */
  readonly spikes: number;
  /** Logged gradient norms of all seeds and steps, finite ones; null with fewer than two. */
  readonly gradNorm: { readonly mean: number; readonly sd: number } | null;
  /** Whether predictions read later tokens, and what that is worth. */
  readonly leak: LeakSummary;
}

/** Everything a report reads. */
export interface ReportInput {
  readonly plan: ReportPlan;
  readonly records: readonly RunRecord[];
  readonly curves: Curves;
}

/**
 * Summaries in the plan's order, lengths outside, arms inside.
 *
 * A diverged seed is never dropped: it enters every mean with the worst finite end point that any arm
 * has in the same cell, a lower bound on the damage.
 */
export function summarise(input: ReportInput): readonly CellSummary[] {
  const byKey = new Map(input.records.map((record) => [record.key, record]));
  return input.plan.lengths.flatMap((seqLen) => {
    const worst = worstFinite(input.records.filter((record) => seqLenOf(record) === seqLen));
    return input.plan.arms.map((arm) => {
      const units = input.plan.units.filter((unit) => unit.arm === arm && unit.seqLen === seqLen);
      const records = units.flatMap((unit) => byKey.get(unit.key) ?? [])
        .sort((a, b) => a.seed - b.seed);
      return summariseCell({ arm, seqLen, planned: units.length, records }, {
        worst,
        curves: input.curves,
      });
    });
  });
}

/** The summary of an arm at a length; undefined if the plan has no such cell. */
export function findCell(
  cells: readonly CellSummary[],
  at: { readonly arm: string; readonly seqLen: number },
): CellSummary | undefined {
  return cells.find((cell) => cell.arm === at.arm && cell.seqLen === at.seqLen);
}

function worstFinite(records: readonly RunRecord[]): number | null {
  const values = records.map(finalLoss).filter((value) => value !== null);
  return values.length === 0 ? null : Math.max(...values);
}

function summariseCell(
  cell: Pick<CellSummary, "arm" | "seqLen" | "planned" | "records">,
  context: { readonly worst: number | null; readonly curves: Curves },
): CellSummary {
  const seeds = cell.records.flatMap((record): readonly SeedLoss[] => {
    const final = finalLoss(record);
    const loss = final ?? context.worst;
    return loss === null
      ? []
      : [{ seed: record.seed, key: record.key, loss, diverged: final === null }];
  });
  const norms = valuesOf(cell.records, context.curves, "grad_norm").flat().filter(Number.isFinite);
  return {
    ...cell,
    seeds,
    diverged: cell.records.filter((record) => finalLoss(record) === null).length,
    loss: seeds.length === 0 ? null : summariseLosses(seeds.map((seed) => seed.loss)),
    spikes: valuesOf(cell.records, context.curves, "loss")
      .reduce((sum, losses) => sum + spikeCount(losses), 0),
    leak: summariseLeaks(cell.records, { level: LEVEL }),
    gradNorm: norms.length < 2 ? null : { mean: meanOf(norms), sd: sampleStandardDeviation(norms) },
  };
}

function valuesOf(
  records: readonly RunRecord[],
  curves: Curves,
  name: string,
): readonly (readonly number[])[] {
  return records.map((record) =>
    curveOf(curves.get(record.key) ?? [], name).map((point) => point.value)
  );
}

function summariseLosses(losses: readonly number[]): LossSummary {
  const interval = tInterval(losses, { level: LEVEL });
  const { mean } = interval;
  const perplexity = Math.exp(mean);
  if (interval.kind === "single-value") {
    return { mean, low: null, high: null, halfWidth: null, perplexity };
  }
  const { low, high } = interval;
  return { mean, low, high, halfWidth: (high - low) / 2, perplexity };
}
