/** Facts about what came out: one set per arm and length, one per comparison. */
import type { ComparisonResult, TestedLoss, TestedUpdates } from "./comparisons.ts";
import { type Fact, type FactSource, makeFact } from "./fact.ts";
import { LEAKS_STAMP } from "./leaks.ts";
import { escapeLatex, latexNumber } from "./latex_text.ts";
import { decimalsFor, fixedText, meanText, perplexityText } from "./number_text.ts";
import { ratioSummary, ratioTexts } from "./ratio_texts.ts";
import { type ComparedMetric, primaryMetric, type ReportPlan } from "./report_plan.ts";
import type { CellSummary } from "./summaries.ts";
import { comparisonTexts, latexRatioTexts, latexTexts, verdictText } from "./verdict.ts";

/** What stands where a value is missing. */
export const NO_DATA = "NO DATA";
/** Marks a mean in which a diverged seed counts with the worst finite loss. */
export const DIVERGED_MARK = "\\ensuremath{^\\dagger}";
/** Marks losses of an arm that reads later tokens, wherever they are printed. */
export const LEAKS_MARK = `\\textsuperscript{${LEAKS_STAMP}}`;

/** Facts of one arm at one length, "phase4/resnet-bk/2048/val_loss/mean". */
export function cellFacts(plan: ReportPlan, cell: CellSummary): readonly Fact[] {
  const runs = cell.records.map((record) => record.key);
  const prefix = `${plan.experiment}/${cell.arm}/${cell.seqLen}`;
  const counts = Object.entries({
    n_seeds: cell.records.length,
    diverged: cell.diverged,
    spikes: cell.spikes,
  }).map(([name, value]) => makeFact(`${prefix}/${name}`, { value, text: String(value), runs }));
  const parameters = new Set(cell.records.map((record) => record.parameters.count));
  return [
    ...counts,
    makeFact(`${prefix}/parameters`, {
      value: [...parameters].join(", ") || NO_DATA,
      text: [...parameters].map(groupedText).join(", ") || NO_DATA,
      runs,
    }),
    ...Object.entries({ ...lossSources(cell, runs), grad_norm: gradNormSource(cell, runs) })
      .map(([name, source]) => makeFact(`${prefix}/${name}`, source)),
  ];
}

function lossSources(
  cell: CellSummary,
  runs: readonly string[],
): Readonly<Record<string, FactSource>> {
  const { loss } = cell;
  const text = cell.records.length === 0 ? NO_DATA : "DIVERGED";
  if (loss === null) {
    return Object.fromEntries(
      ["mean", "half_width", "ci", "interval", "ppl"].map((name) => [
        name === "ppl" ? name : `val_loss/${name}`,
        { value: text, text, runs },
      ]),
    );
  }
  const decimals = decimalsFor(loss.halfWidth);
  const mark = cell.leak.leaks ? LEAKS_MARK : "";
  const number = (value: number | null): FactSource =>
    value === null
      ? { value: "n/a", text: "n/a", runs }
      : { value, text: latexNumber(fixedText(value, decimals)), runs };
  const interval = loss.low === null || loss.high === null
    ? "n/a"
    : `[${number(loss.low).text}, ${number(loss.high).text}]`;
  return {
    "val_loss/mean": { ...number(loss.mean), text: number(loss.mean).text + mark },
    "val_loss/half_width": number(loss.halfWidth),
    "val_loss/interval": { value: interval, text: interval, runs },
    "val_loss/ci": {
      value: loss.mean,
      text: meanText(loss.mean, loss.halfWidth, "\\ensuremath{\\pm}") +
        (cell.diverged > 0 ? DIVERGED_MARK : "") + mark,
      runs,
    },
    ppl: {
      value: loss.perplexity,
      text: perplexityText(loss.perplexity, loss.halfWidth) + mark,
      runs,
    },
  };
}

function gradNormSource(cell: CellSummary, runs: readonly string[]): FactSource {
  const { gradNorm } = cell;
  if (gradNorm === null) return { value: "n/a", text: "n/a", runs };
  const text = `${fixedText(gradNorm.mean, 2)} \\ensuremath{\\pm} ${fixedText(gradNorm.sd, 2)}`;
  return { value: gradNorm.mean, text, runs };
}

/**
 * First part of the facts of a comparison, "phase4/resnet-bk-vs-transformer/2048"; with the name of the metric where it
 * is not that of the family.
 */
export function comparisonKey(
  plan: ReportPlan,
  { planned: { a, b, seqLen } }: ComparisonResult,
  { metric }: { readonly metric: ComparedMetric },
): string {
  const key = `${plan.experiment}/${a}-vs-${b}/${seqLen}`;
  return metric === primaryMetric(plan) ? key : `${key}/${metric}`;
}

/** Facts of one comparison, "phase4/resnet-bk-vs-transformer/2048/p"; `prefix` replaces the first part. */
export function comparisonFacts(
  plan: ReportPlan,
  comparison: ComparisonResult,
  options: { readonly prefix?: string; readonly metric?: ComparedMetric } = {},
): readonly Fact[] {
  const { metric = primaryMetric(plan) } = options;
  const { seqLen } = comparison.planned;
  const prefix = options.prefix ?? comparisonKey(plan, comparison, { metric });
  const runs = comparison.kind === "tested" ? comparison.keys : [];
  const verdict = verdictText(plan, comparison);
  const words: Readonly<Record<string, FactSource>> = {
    seq_len: { value: seqLen, text: String(seqLen), runs },
    verdict: { value: verdict, text: escapeLatex(verdict), runs },
  };
  const sources = { ...words, ...testSources(comparison, { runs, metric }) };
  return Object.entries(sources).map(([name, source]) => makeFact(`${prefix}/${name}`, source));
}

const TEST_NAMES = {
  val_loss: ["n", "mean_diff", "ci", "p", "floor", "p_holm", "dz"],
  steps_to_target: [
    "n",
    "censored",
    "first_a",
    "first_b",
    "first_neither",
    "ratio",
    "ci",
    "p",
    "floor",
    "p_holm",
    "summary",
  ],
} as const;

function testSources(
  comparison: ComparisonResult,
  { runs, metric }: { readonly runs: readonly string[]; readonly metric: ComparedMetric },
): Readonly<Record<string, FactSource>> {
  if (comparison.kind !== "tested") {
    const word = comparison.kind === "leaks" ? LEAKS_STAMP : NO_DATA;
    return Object.fromEntries(
      TEST_NAMES[metric].map((name) => [name, { value: word, text: word, runs }]),
    );
  }
  const sources = comparison.metric === "val_loss"
    ? lossTestSources(comparison)
    : updatesTestSources(comparison);
  return Object.fromEntries(
    Object.entries(sources).map(([name, source]) => [name, { ...source, runs }]),
  );
}

type Sources = Readonly<Record<string, Omit<FactSource, "runs">>>;

function sourceOf(value: number | null, text: string | null): Omit<FactSource, "runs"> {
  return { value: value ?? "n/a", text: text ?? "n/a" };
}

function countSource(count: number): Omit<FactSource, "runs"> {
  return { value: count, text: String(count) };
}

function lossTestSources({ result, family }: TestedLoss): Sources {
  const texts = latexTexts(comparisonTexts({ result, family }));
  const ci = texts.low === null ? "n/a" : `[${texts.low}, ${texts.high}]`;
  return {
    n: sourceOf(result.n, String(result.n)),
    mean_diff: sourceOf(result.meanDifference, texts.difference),
    ci: { value: ci, text: ci },
    p: sourceOf(result.pExact, texts.p),
    floor: sourceOf(result.floor, texts.floor),
    p_holm: sourceOf(family?.pHolm ?? null, texts.pHolm),
    dz: sourceOf(result.kind === "estimated" ? result.dz : null, texts.dz),
  };
}

function updatesTestSources({ result, family }: TestedUpdates): Sources {
  const texts = latexRatioTexts(ratioTexts({ result, family }));
  const ci = texts.low === null ? "n/a" : `[${texts.low}, ${texts.high}]`;
  const summary = ratioSummary({ result, family });
  return {
    n: sourceOf(result.n, String(result.n)),
    censored: countSource(result.censoredPairs),
    first_a: countSource(result.earlierA),
    first_b: countSource(result.earlierB),
    first_neither: countSource(result.n - result.earlierA - result.earlierB),
    ratio: sourceOf(result.kind === "no-ratio" ? null : result.ratio, texts.ratio),
    ci: { value: ci, text: ci },
    p: sourceOf(result.pExact, texts.p),
    floor: sourceOf(result.floor, texts.floor),
    p_holm: sourceOf(family?.pHolm ?? null, texts.pHolm),
    summary: { value: summary, text: escapeLatex(summary) },
  };
}

/** 1234567 → "1\,234\,567", so that long counts can be read. */
function groupedText(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, "\\,");
}
