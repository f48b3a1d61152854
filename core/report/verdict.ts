/** The generated sentence that says what a comparison shows, for either sign of the result. */
import { LEAKS_VERDICT } from "./leaks.ts";
import { latexNumber } from "./latex_text.ts";
import { decimalsFor, fixedText, pValueText } from "./number_text.ts";
import type { ComparisonResult, TestedLoss } from "./comparisons.ts";
import type { RatioTexts } from "./ratio_texts.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";

/**
 * "not significant", "significant, lower loss: <arm>" or "significant, fewer updates: <arm>", or why neither can be
 * said; "not evidence: LEAKS" where an arm reads later tokens. A smoke run has the stamp and no winner.
 * Losses and updates are costs, so a negative difference A - B and a ratio A / B below 1 favour A.
 */
export function verdictText(plan: ReportPlan, comparison: ComparisonResult): string {
  const text = plainVerdict(comparison);
  if (!isSmoke(plan)) return text;
  // A functional test names no winner, whatever its p-value.
  return `${text.startsWith("significant") ? "no verdict" : text} (${SMOKE_STAMP})`;
}

function plainVerdict(comparison: ComparisonResult): string {
  if (comparison.kind === "leaks") return `${LEAKS_VERDICT} (${comparison.arms.join(", ")})`;
  if (comparison.kind === "missing") return `NO DATA: ${comparison.reason}`;
  if (!comparison.inFamily) return "secondary metric: no verdict";
  const { family, result } = comparison;
  if (family === null) return "undecided: other members of the family have no data";
  if (!family.feasible) {
    const ties = result.floor > 2 / 2 ** result.n ? " with ties" : "";
    return `not significant: ${result.n} seeds${ties} cannot pass ${family.hypotheses} tests at ` +
      `${family.alpha}`;
  }
  if (!(family.pHolm <= family.alpha)) return "not significant";
  return `significant, ${favoured(comparison)}`;
}

function favoured(
  comparison: Extract<ComparisonResult, { readonly kind: "tested" }>,
): string {
  const { planned: { a, b } } = comparison;
  if (comparison.metric === "val_loss") {
    return `lower loss: ${comparison.result.meanDifference < 0 ? a : b}`;
  }
  const { result } = comparison;
  const isA = result.kind === "no-ratio" ? result.earlierA > result.earlierB : result.ratio < 1;
  return `fewer updates: ${isA ? a : b}`;
}

/** Texts of one comparison, rounded to two significant digits of the interval's half-width. */
export interface ComparisonTexts {
  readonly difference: string;
  /** Null where the differences allow no interval. */
  readonly low: string | null;
  readonly high: string | null;
  readonly p: string;
  readonly floor: string;
  /** Null while the family is incomplete. */
  readonly pHolm: string | null;
  readonly dz: string | null;
}

/** Formats a tested comparison of losses; plain text, see `latexTexts` for LaTeX. */
export function comparisonTexts(
  { result, family }: Pick<TestedLoss, "result" | "family">,
): ComparisonTexts {
  const estimated = result.kind === "estimated" ? result : null;
  const decimals = decimalsFor(estimated === null ? null : (estimated.high - estimated.low) / 2);
  return {
    difference: signedText(result.meanDifference, decimals),
    low: estimated === null ? null : signedText(estimated.low, decimals),
    high: estimated === null ? null : signedText(estimated.high, decimals),
    p: pValueText(result.pExact),
    floor: pValueText(result.floor),
    pHolm: family === null ? null : pValueText(family.pHolm),
    dz: estimated === null ? null : signedText(estimated.dz, 2),
  };
}

/** The same texts with LaTeX minus signs and powers. */
export function latexTexts(texts: ComparisonTexts): ComparisonTexts {
  const convert = (text: string | null) => text === null ? null : latexNumber(text);
  return {
    difference: latexNumber(texts.difference),
    low: convert(texts.low),
    high: convert(texts.high),
    p: latexNumber(texts.p),
    floor: latexNumber(texts.floor),
    pHolm: convert(texts.pHolm),
    dz: convert(texts.dz),
  };
}

/** Texts of a ratio with LaTeX powers; none of them has a sign. */
export function latexRatioTexts(texts: RatioTexts): RatioTexts {
  return {
    ...texts,
    p: latexNumber(texts.p),
    floor: latexNumber(texts.floor),
    pHolm: texts.pHolm === null ? null : latexNumber(texts.pHolm),
  };
}

function signedText(value: number, decimals: number): string {
  const text = fixedText(value, decimals);
  return text.startsWith("-") || Number(text) === 0 ? text : `+${text}`;
}
