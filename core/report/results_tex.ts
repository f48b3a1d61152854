/** `results.tex`: every number and every verdict of the paper as a LaTeX macro. */
import type { ComparisonResult, TestedUpdates } from "./comparisons.ts";
import { type Fact, sortFacts } from "./fact.ts";
import { escapeLatex } from "./latex_text.ts";
import { isSmoke, type ReportPlan, SMOKE_STAMP } from "./report_plan.ts";
import { verdictText } from "./verdict.ts";

const HEADER = "% Generated from sealed records; edits are lost. Macros: paper/harness.sty";

/** A sentence the paper may use, `\verdict{key}`. */
export interface Verdict {
  readonly key: string;
  readonly sentence: string;
}

/** The file: profile stamp, facts in order of key, verdicts in order of key. No time, line feeds only. */
export function resultsTex(
  plan: ReportPlan,
  content: { readonly facts: readonly Fact[]; readonly verdicts: readonly Verdict[] },
): string {
  const verdicts = [...content.verdicts].sort((a, b) => a.key < b.key ? -1 : 1);
  return [
    HEADER,
    ...(isSmoke(plan) ? [`\\HarnessStamp{${SMOKE_STAMP}}`] : []),
    ...sortFacts(content.facts).map((fact) =>
      `\\HarnessFact{${fact.key}}{${fact.text}}{${fact.digest}}`
    ),
    ...verdicts.map(({ key, sentence }) => `\\HarnessVerdict{${key}}{${sentence}}`),
    "",
  ].join("\n");
}

/** Facts as JSON, for readers that are not LaTeX. */
export function factsJson(facts: readonly Fact[]): string {
  return `${JSON.stringify(sortFacts(facts), null, 2)}\n`;
}

/** The sentence of one comparison; it reads the same whichever arm has the lower loss. */
export function verdictSentence(plan: ReportPlan, comparison: ComparisonResult): Verdict {
  const { a, b, seqLen } = comparison.planned;
  const key = `${plan.experiment}/${a}-vs-${b}/${seqLen}`;
  const verdict = escapeLatex(verdictText(plan, comparison));
  const fact = (name: string) => `\\fact{${key}/${name}}`;
  const pair = `\\emph{${escapeLatex(a)}} minus \\emph{${escapeLatex(b)}}`;
  if (comparison.kind !== "tested") {
    return { key, sentence: `At $N = ${seqLen}$, ${pair}: ${verdict}.` };
  }
  if (comparison.metric === "steps_to_target") {
    return { key, sentence: updatesSentence(plan, comparison, { fact, verdict }) };
  }
  const interval = comparison.result.kind === "estimated"
    ? `, 95\\,\\% interval ${fact("ci")}`
    : "";
  const effect = comparison.result.kind === "estimated" ? `, $d_z = {}$${fact("dz")}` : "";
  const imputed = comparison.imputed === 0
    ? ""
    : `; diverged runs, which count with the worst finite loss: ${comparison.imputed}`;
  return {
    key,
    sentence: `At $N = ${seqLen}$, ${pair} is ${fact("mean_diff")} nats per token` +
      `${interval} ($n = {}$${fact("n")} pairs${imputed}; exact $p = {}$${fact("p")} with floor ` +
      `${fact("floor")}, Holm-adjusted $p = {}$${fact("p_holm")}${effect}): ${verdict}.`,
  };
}

function updatesSentence(
  plan: ReportPlan,
  { planned: { a, b, seqLen }, result }: TestedUpdates,
  { fact, verdict }: { readonly fact: (name: string) => string; readonly verdict: string },
): string {
  const [first, second] = [a, b].map((arm) => `\\emph{${escapeLatex(arm)}}`);
  const target = `to a validation loss of ${plan.target} nats per token`;
  const n = `$n = {}$${fact("n")} pairs`;
  const p = `$p = {}$${fact("p")} with floor ${fact("floor")}, Holm-adjusted $p = {}$${
    fact("p_holm")
  }`;
  if (result.kind === "no-ratio") {
    const why = result.reason === "censored"
      ? `is censored in ${fact("censored")}`
      : "is there before its first update in at least one";
    const order = `first to the target: ${first} in ${fact("first_a")}, ${second} in ${
      fact("first_b")
    }, neither in ${fact("first_neither")}`;
    return `At $N = ${seqLen}$, the updates of ${first} and ${second} ${target} have no ratio, since a run ${why} ` +
      `of ${n} (${order}; exact sign test, ${p}): ${verdict}.`;
  }
  const interval = result.kind === "ratio" ? `, 95\\,\\% interval ${fact("ci")}` : "";
  return `At $N = ${seqLen}$, updates ${target}, ${first} over ${second}: the geometric mean is ${
    fact("ratio")
  }${interval} (${n}, none of them censored; exact sign-flip test, ${p}): ${verdict}.`;
}

/** The comparison that the paper names first: first pair of arms at the longest length. */
export function primaryComparison(
  plan: ReportPlan,
  results: readonly ComparisonResult[],
): ComparisonResult | undefined {
  const longest = Math.max(...plan.lengths);
  return results.find((result) => result.planned.seqLen === longest);
}
