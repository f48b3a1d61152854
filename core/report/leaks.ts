/** Arms whose predictions read later tokens: their stamp, and what stands in place of a verdict. */
import { tInterval } from "../stats/t_interval.ts";
import type { RunRecord } from "../store/record.ts";
import type { CellSummary } from "./summaries.ts";

/** The word that stands beside every mention of such an arm. */
export const LEAKS_STAMP = "LEAKS";

/** What a comparison with such an arm says, whatever its numbers. */
export const LEAKS_VERDICT = `not evidence: ${LEAKS_STAMP}`;

/** What the audits of a cell's records found. */
export interface LeakSummary {
  /** Whether the model of any seed leaks. */
  readonly leaks: boolean;
  /** Largest change of an earlier logit over all seeds; 0 where none changed. */
  readonly largestChange: number;
  /** Nats per token that later tokens are worth; null unless every audited seed measured it. */
  readonly gain: LeakGainSummary | null;
}

/** Mean over seeds with a t-interval, nats per token. */
export interface LeakGainSummary {
  readonly mean: number;
  /** Null with one seed. */
  readonly low: number | null;
  readonly high: number | null;
  /** Seeds. */
  readonly n: number;
}

/** The audits of records of one arm at one length. A diverged seed was not audited. */
export function summariseLeaks(
  records: readonly RunRecord[],
  { level }: { readonly level: number },
): LeakSummary {
  const audits = records.flatMap(({ leak }) => leak ?? []);
  const gains = audits.flatMap(({ gainNats }) => gainNats ?? []);
  return {
    leaks: audits.some(({ leaks }) => leaks),
    largestChange: Math.max(0, ...audits.map(({ largestChange }) => largestChange)),
    gain: gains.length === 0 || gains.length < audits.length ? null : gainOf(gains, level),
  };
}

function gainOf(gains: readonly number[], level: number): LeakGainSummary {
  const interval = tInterval(gains, { level });
  const { mean, n } = interval;
  if (interval.kind === "single-value") return { mean, low: null, high: null, n };
  return { mean, low: interval.low, high: interval.high, n };
}

/** Arms that leak at any length: an architecture does not stop to leak at another. */
export function leakingArms(cells: readonly CellSummary[]): ReadonlySet<string> {
  return new Set(cells.filter(({ leak }) => leak.leaks).map(({ arm }) => arm));
}

/** "paper [LEAKS]", or the name alone. */
export function stampedArm(arm: string, leaking: ReadonlySet<string>): string {
  return leaking.has(arm) ? `${arm} [${LEAKS_STAMP}]` : arm;
}
