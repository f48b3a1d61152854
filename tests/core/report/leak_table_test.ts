/** A leaking arm in every table, legend and sentence of a report. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { comparisonTable } from "../../../core/report/comparison_table.ts";
import { compareCells } from "../../../core/report/comparisons.ts";
import { leakTable } from "../../../core/report/leak_table.ts";
import type { ReportPlan } from "../../../core/report/report_plan.ts";
import { reportFiles } from "../../../core/report/report_files.ts";
import { type ReportInput, summarise } from "../../../core/report/summaries.ts";
import { verdictText } from "../../../core/report/verdict.ts";
import type { LeakFacts } from "../../../core/store/record.ts";
import type { FixtureOptions } from "./_fixture.ts";
import { goldenFixture } from "./_golden_fixture.ts";

/**
 * resnet-bk leaks with gains 0.40, 0.41, …, 0.47: eight values with the spread of _golden_fixture.ts, so that the
 * interval of their mean 0.435 is (0.4145218, 0.4554782).
 */
function leaking(options: FixtureOptions = {}): ReportInput {
  const leak = ({ arm, seed }: { readonly arm: string; readonly seed: number }): LeakFacts =>
    arm === "resnet-bk"
      ? { leaks: true, largestChange: (seed - 41) / 100, gainNats: 0.4 + (seed - 42) / 100 }
      : { leaks: false, largestChange: 0, gainNats: null };
  return goldenFixture({ leak, ...options });
}

async function textsOf(input: ReportInput) {
  const { consoleText, texts } = await reportFiles(input);
  const text = (path: string): string => {
    const found = texts.get(path);
    if (found === undefined) throw new Error(`No file "${path}"`);
    return found;
  };
  return { consoleText, texts, text };
}

Deno.test("leakTable() shows largest change, gain, interval and seeds of leaking arms alone", () => {
  const input = leaking();
  assertEquals(leakTable(input.plan, summarise(input)).split("\n").slice(2, 5), [
    "Seq Len  Arm                Largest change  Gain (nats)  95% CI          n",
    "-".repeat(74),
    "128      resnet-bk [LEAKS]  0.080           0.435        [0.415, 0.455]  8",
  ]);
  const sound = goldenFixture();
  assertEquals(leakTable(sound.plan, summarise(sound)), "");
});

Deno.test("compareCells() tests nothing with a leaking arm, whatever its p would be", () => {
  const input = leaking();
  const [comparison] = compareCells(input.plan, summarise(input));
  assertEquals(comparison.kind, "leaks");
  assertEquals(verdictText(input.plan, comparison), "not evidence: LEAKS (resnet-bk)");
  // The same losses without the leak are significant: the stamp alone makes the difference.
  const [sound] = compareCells(goldenFixture().plan, summarise(goldenFixture()));
  assertStringIncludes(verdictText(input.plan, sound), "significant, lower loss");
});

Deno.test("compareCells() refuses an arm that leaks at one length at every other, too", () => {
  const input = leaking({
    lengths: [128, 512],
    leak: ({ arm, seqLen }) => {
      const leaks = arm === "resnet-bk" && seqLen === 512;
      return { leaks, largestChange: leaks ? 1 : 0, gainNats: leaks ? 0.1 : null };
    },
  });
  const kinds = compareCells(input.plan, summarise(input)).map(({ kind }) => kind);
  assertEquals(kinds, ["leaks", "leaks"]);
});

Deno.test("compareCells() adjusts the sound comparisons over themselves", () => {
  // A third arm, far above the transformer at every seed.
  const input = leaking();
  const extra = input.plan.units.filter(({ arm }) => arm === "transformer")
    .map((unit) => ({ ...unit, arm: "third", key: unit.key.replace(/^../, "ff") }));
  const records = input.records.filter(({ arm }) => arm === "transformer").map((record) => ({
    ...record,
    arm: "third",
    key: record.key.replace(/^../, "ff"),
    metrics: { val_loss: { ...record.metrics.val_loss!, value: 4 + record.seed } },
  }));
  const plan: ReportPlan = {
    ...input.plan,
    arms: [...input.plan.arms, "third"],
    units: [...input.plan.units, ...extra],
    comparisons: [
      { a: "resnet-bk", b: "transformer", seqLen: 128 },
      { a: "transformer", b: "third", seqLen: 128 },
    ],
  };
  const cells = summarise({ ...input, plan, records: [...input.records, ...records] });
  const results = compareCells(plan, cells);
  assertEquals(results.map(({ kind }) => kind), ["leaks", "tested"]);
  const [, sound] = results;
  const family = sound.kind === "tested" ? sound.family : null;
  // 2 / 2^8: all differences have one sign.
  assertEquals([family?.hypotheses, family?.pHolm], [1, 0.0078125]);
  assertStringIncludes(
    comparisonTable(plan, results),
    "Holm over 1 comparison, without 1 comparison with an arm that leaks",
  );
});

Deno.test("console tables and comparisons stamp a leaking arm and name no winner", async () => {
  const { consoleText } = await textsOf(leaking());
  assertStringIncludes(consoleText, "Long-context stability: resnet-bk [LEAKS] (phase4");
  assertStringIncludes(consoleText, "Long-context stability: transformer (phase4");
  assertStringIncludes(
    consoleText,
    "128: LEAKS, gain 0.435 nats [0.415, 0.455]; later tokens are worth the gain per token (95% interval), " +
      "its losses support no claim",
  );
  assert(/^128 +resnet-bk \[LEAKS\] vs transformer( +LEAKS){6}$/m.test(consoleText), consoleText);
  assertStringIncludes(consoleText, "\n         not evidence: LEAKS (resnet-bk)\n");
  assert(!/significant|0\.00781/.test(consoleText), consoleText);
});

Deno.test("LaTeX tables, facts and verdicts stamp a leaking arm", async () => {
  const { text } = await textsOf(leaking());
  const cells = text("paper/generated/tables/cells.tex");
  assertStringIncludes(cells, "128 & resnet-bk \\textbf{LEAKS} & \\fact");
  assertStringIncludes(cells, " & transformer & \\fact");
  assertStringIncludes(cells, "resnet-bk, N = 128: LEAKS, gain 0.435 nats [0.415, 0.455];");
  const comparisons = text("paper/generated/tables/comparisons.tex");
  assertStringIncludes(
    comparisons,
    "128 & resnet-bk \\textbf{LEAKS} $-$ transformer & \\multicolumn{7}{c}{LEAKS}",
  );
  assertStringIncludes(comparisons, "not evidence: LEAKS (resnet-bk)");
  const results = text("paper/generated/results.tex");
  for (
    const [key, value] of Object.entries({
      "resnet-bk/128/leaks": "LEAKS",
      "transformer/128/leaks": "no",
      "resnet-bk/128/leak_gain/ci": "0.435 \\ensuremath{\\pm} 0.020",
      "resnet-bk/128/leak_gain/interval": "[0.415, 0.455]",
      "resnet-bk/128/leak_gain/n": "8",
      "resnet-bk/128/ppl": "20.80\\textsuperscript{LEAKS}",
      "resnet-bk/128/val_loss/ci": "3.035 \\ensuremath{\\pm} 0.020\\textsuperscript{LEAKS}",
      "transformer/128/ppl": "21.76",
      "primary/p": "LEAKS",
      "primary/verdict": "not evidence: LEAKS (resnet-bk)",
    })
  ) assertStringIncludes(results, `\\HarnessFact{phase4/${key}}{${value}}{`);
  assert(!/significant/.test(results));
  const leaks = text("paper/generated/tables/leaks.tex");
  for (const [, key] of leaks.matchAll(/\\fact\{([^}]*)\}/g)) {
    assertStringIncludes(results, `\\HarnessFact{${key}}{`);
  }
  assertStringIncludes(leaks, "128 & resnet-bk \\textbf{LEAKS} & \\fact");
});

Deno.test("the figure stamps a leaking arm in its legend and says what the leak is worth", async () => {
  const { text } = await textsOf(leaking());
  const svg = text("figures/curves.svg");
  assertStringIncludes(svg, ">resnet-bk [LEAKS]<");
  assertStringIncludes(svg, ">transformer<");
  assertStringIncludes(svg, ">resnet-bk: LEAKS, gain 0.435 nats [0.415, 0.455]<");
  assert(!(await textsOf(goldenFixture())).text("figures/curves.svg").includes("LEAKS"));
});

Deno.test("a report without leaking arms has no table of them and says so of each arm", async () => {
  const { texts, text, consoleText } = await textsOf(goldenFixture());
  assertEquals(texts.has("paper/generated/tables/leaks.tex"), false);
  assert(!consoleText.includes("LEAKS"));
  assertStringIncludes(
    text("paper/generated/results.tex"),
    "\\HarnessFact{phase4/resnet-bk/128/leaks}{no}{",
  );
});

Deno.test("a leaking arm of a smoke run has both stamps", async () => {
  const { consoleText } = await textsOf(leaking({ profile: "smoke" }));
  assertStringIncludes(consoleText, "not evidence: LEAKS (resnet-bk) (smoke: not evidence)");
});
