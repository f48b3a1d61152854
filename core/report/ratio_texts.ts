/** What a comparison of updates to a target says, in words and rounded numbers. Plain text. */
import type { TestedUpdates } from "./comparisons.ts";
import { decimalsFor, fixedText, pValueText } from "./number_text.ts";

/** Texts of one comparison, rounded to two significant digits of the interval's half-width. */
export interface RatioTexts {
  /** Geometric mean of A / B; null where a pair has no ratio. */
  readonly ratio: string | null;
  /** Null without an interval. */
  readonly low: string | null;
  readonly high: string | null;
  readonly p: string;
  readonly floor: string;
  /** Null while the family is incomplete, and outside it. */
  readonly pHolm: string | null;
}

/** Formats a tested comparison. */
export function ratioTexts(
  { result, family }: Pick<TestedUpdates, "result" | "family">,
): RatioTexts {
  const interval = result.kind === "ratio" ? result : null;
  const decimals = decimalsFor(interval === null ? null : (interval.high - interval.low) / 2);
  return {
    ratio: result.kind === "no-ratio" ? null : fixedText(result.ratio, decimals),
    low: interval === null ? null : fixedText(interval.low, decimals),
    high: interval === null ? null : fixedText(interval.high, decimals),
    p: pValueText(result.pExact),
    floor: pValueText(result.floor),
    pHolm: family === null ? null : pValueText(family.pHolm),
  };
}

/**
 * "ratio 0.930 [0.850, 1.020], 8 pairs, 0 censored"; without a ratio, how many runs of each arm are censored and which
 * arm was first how often.
 */
export function ratioSummary(comparison: Pick<TestedUpdates, "result" | "family">): string {
  const { result } = comparison;
  const { ratio, low, high } = ratioTexts(comparison);
  const pairs = `${result.n} ${
    result.n === 1 ? "pair" : "pairs"
  }, ${result.censoredPairs} censored`;
  if (result.kind === "ratio") return `ratio ${ratio} [${low}, ${high}], ${pairs}`;
  if (result.kind === "lone-ratio") return `ratio ${ratio} without interval, ${pairs}`;
  const { a, b, n, earlierA, earlierB } = result;
  const why = result.reason === "censored"
    ? ` (runs: ${a} ${result.censoredA}, ${b} ${result.censoredB})`
    : " (a run is at the target before its first update)";
  return `ratio not estimable, ${pairs}${why}, first in: ${a} ${earlierA}, ${b} ${earlierB}, ` +
    `neither ${n - earlierA - earlierB}`;
}
