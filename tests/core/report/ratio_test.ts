/** Comparisons of updates to a target in tables, facts, sentences and JSON. */
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { buildReport } from "../../../core/report/build_report.ts";
import { comparisonTable } from "../../../core/report/comparison_table.ts";
import { compareCells } from "../../../core/report/comparisons.ts";
import { reportFiles } from "../../../core/report/report_files.ts";
import { type ReportInput, summarise } from "../../../core/report/summaries.ts";
import { censoredMedian, targetTable } from "../../../core/report/target_table.ts";
import { goldenFixture } from "./_golden_fixture.ts";
import { A, B, campaign } from "./_updates_fixture.ts";

function tableOf({ plan, ...input }: ReportInput): readonly string[] {
  const cells = summarise({ plan, ...input });
  return comparisonTable(plan, compareCells(plan, cells)).split("\n");
}

Deno.test("comparisonTable() prints ratio, interval, pairs, censored, p, floor and adjusted p", () => {
  const rows = tableOf(campaign());
  assertEquals(
    rows[0],
    "Comparisons of updates to a validation loss of 2.5 nats per token, paired by seed, ratio A / B",
  );
  assertEquals(
    rows[2],
    "Seq Len  A vs B                    n  Censored  Ratio  95% CI          p       Floor    p (Holm)",
  );
  assertEquals(
    rows[4],
    "128      resnet-bk vs transformer  8  0         0.941  [0.899, 0.986]  0.0313  0.00781  0.0313",
  );
  assertEquals(
    rows[5],
    "         ratio 0.941 [0.899, 0.986], 8 pairs, 0 censored; significant, fewer updates: resnet-bk",
  );
  const turned = tableOf(campaign({ a: B, b: A }));
  // 1 / 0.9414425, 1 / 0.9863668, 1 / 0.8985644
  assertStringIncludes(turned[5], "ratio 1.062 [1.014, 1.113], 8 pairs, 0 censored; significant");
  assertStringIncludes(turned[5], "fewer updates: transformer");
});

Deno.test("comparisonTable() gives no ratio where a pair is censored, but counts and a sign test", () => {
  // A is first in all 8 pairs: stats.binomtest(0, 8).pvalue → 0.0078125
  const rows = tableOf(campaign({ b: [199, null, 191.25, 214, 203, null, 195.75, 207] }));
  assertEquals(
    rows[4],
    "128      resnet-bk vs transformer  8  2         n/a    n/a     0.00781  0.00781  0.00781",
  );
  assertEquals(
    rows[5],
    "         ratio not estimable, 8 pairs, 2 censored (runs: resnet-bk 0, transformer 2), first in: resnet-bk 8, " +
      "transformer 0, neither 0; significant, fewer updates: resnet-bk",
  );
  assert(!rows.join("\n").includes("NaN"));
});

Deno.test("comparisonTable() censors a diverged run, and needs every seed", () => {
  const a = A.map((updates, i) => i === 3 ? null : updates);
  const diverged = campaign({ a, diverged: ({ arm, seed }) => arm === "resnet-bk" && seed === 45 });
  assertStringIncludes(tableOf(diverged)[5], "1 censored (runs: resnet-bk 1, transformer 0)");
  const [row] = targetTable(diverged.plan, summarise(diverged)).split("\n").slice(4);
  assertEquals(
    row,
    "128      resnet-bk    7 of 8   0          1         186.0   170.5     censored",
  );
  const missing = tableOf(campaign({ missing: ({ seed }) => seed === 44 }));
  assert(/^128 .*( +NO DATA){7}$/.test(missing[4]), missing[4]);
  assertStringIncludes(missing[5], "NO DATA: resnet-bk: 1 of 8 seeds have no record");
});

Deno.test("comparisonTable() stamps a smoke run's ratio and names no winner", () => {
  const text = tableOf(campaign({ profile: "smoke" })).join("\n");
  assertEquals(text.match(/smoke: not evidence/g)?.length, 3);
  assert(!text.includes("fewer updates:"));
});

Deno.test("targetTable() shows how many runs got there, and no number for those that did not", () => {
  const lines = (input: ReportInput) => targetTable(input.plan, summarise(input)).split("\n");
  // Sorted: 170.5, 176, 181.5, 183.25 | 188.75, 190.25, 195, 201
  assertEquals(
    lines(campaign())[4],
    "128      resnet-bk    8 of 8   0          0         186.0   170.5     201.0",
  );
  const rows = lines(campaign({ a: [null, ...A.slice(1)], b: Array(8).fill(null) }));
  assertEquals(
    rows.slice(2, 8).filter((row) => !row.startsWith("---")),
    [
      "Seq Len  Arm          Counted  Not there  Diverged  Median    Earliest  Latest",
      "128      resnet-bk    7 of 8   1          0         189.5     170.5     censored",
      "128      transformer  0 of 8   8          0         censored  censored  censored",
      "128, resnet-bk: 1 not there after 300 updates",
      "128, transformer: 8 not there after 300 updates",
    ],
  );
  assertEquals(targetTable(goldenFixture().plan, summarise(goldenFixture())), "");
});

Deno.test("censoredMedian() is the middle of the order, or none", () => {
  assertEquals(censoredMedian([1, 2, 4]), 2);
  assertEquals(censoredMedian([1, 2, 4, null]), 3);
  assertEquals(censoredMedian([1, 2, null, null]), null);
  assertEquals(censoredMedian([1, null, null]), null);
  assertEquals(censoredMedian([7]), 7);
});

/** Every \fact{key} in a text. */
function factsIn(text: string): readonly string[] {
  return [...text.matchAll(/\\fact\{([^}]+)\}/g)].map((match) => match[1]);
}

Deno.test("reportFiles() has a fact for every number of its tables and sentences, each case", async () => {
  const leak = { leaks: true, largestChange: 1, gainNats: 0.1 };
  const none = { leaks: false, largestChange: 0, gainNats: null };
  const cases: readonly ReportInput[] = [
    campaign(),
    campaign({ a: [null, ...A.slice(1)] }),
    campaign({ missing: ({ seed }) => seed === 44 }),
    campaign({ leak: ({ arm }) => arm === "transformer" ? leak : none }),
    campaign({ plan: { primary: "val_loss" } }),
  ];
  for (const input of cases) {
    const { texts } = await reportFiles(input);
    const facts: readonly { readonly key: string }[] = JSON.parse(
      texts.get("paper/generated/facts.json")!,
    );
    const known = new Set(facts.map(({ key }) => key));
    assertEquals(known.size, facts.length, "two facts of one name");
    const tex = [...texts].filter(([path]) => path.endsWith(".tex"));
    for (const [path, text] of tex) {
      assertEquals(factsIn(text).filter((key) => !known.has(key)), [], path);
      assert(!/NaN|undefined/.test(text), path);
    }
  }
});

Deno.test("verdictText() says where ties let no p pass", () => {
  // One pair of eight tells an order: no p below 1.
  const a = [181.5, ...Array(7).fill(null)];
  const rows = tableOf(campaign({ a, b: Array(8).fill(null) }));
  assertEquals(
    rows[4],
    "128      resnet-bk vs transformer  8  8         n/a    n/a     1  1      1",
  );
  assertStringIncludes(rows[5], "not significant: 8 seeds with ties cannot pass 1 tests at 0.05");
  assertStringIncludes(rows[6], "where a pair has no ratio, exact sign test");
  const passing = tableOf(
    campaign({ a: A.map((updates, i) => i < 6 ? updates : null), b: Array(8).fill(null) }),
  );
  assertStringIncludes(passing[5], "neither 2; significant, fewer updates: resnet-bk"); // 2 / 2^6
});

Deno.test("reportFiles() tests the other metric outside the family", async () => {
  const { texts, comparisons, consoleText } = await reportFiles(campaign());
  // The golden losses: difference -0.045 with exact p 2/256, which names no winner here.
  const [ratio, loss] = comparisons;
  assertEquals([ratio.metric, ratio.in_family, ratio.p, ratio.p_holm], [
    "steps_to_target",
    true,
    0.03125,
    0.03125,
  ]);
  assertEquals(ratio.summary, "ratio 0.941 [0.899, 0.986], 8 pairs, 0 censored");
  assertEquals([ratio.censored_pairs, ratio.first_a, ratio.first_b], [0, 6, 2]);
  assertEquals([loss.metric, loss.in_family, loss.p, loss.p_holm], [
    "val_loss",
    false,
    2 / 256,
    null,
  ]);
  assertEquals(loss.verdict, "secondary metric: no verdict");
  assert(!consoleText.includes("lower loss"));
  assertStringIncludes(consoleText, "not adjusted, outside the family");
  const results = texts.get("paper/generated/results.tex")!;
  assertStringIncludes(results, "{phase4/resnet-bk-vs-transformer/128/ratio}{0.941}");
  assertStringIncludes(results, "{phase4/resnet-bk-vs-transformer/128/val_loss/mean_diff}");
  assertStringIncludes(
    results,
    "updates to a validation loss of 2.5 nats per token, \\emph{resnet-bk} over \\emph{transformer}: the geometric " +
      "mean is \\fact{phase4/resnet-bk-vs-transformer/128/ratio}",
  );
  assertStringIncludes(texts.get("figures/steps_to_target.csv")!, "\nresnet-bk,128,42,181.5,,\n");
  const censored = await reportFiles(campaign({ a: [null, ...A.slice(1)] }));
  assertStringIncludes(
    censored.texts.get("figures/steps_to_target.csv")!,
    "\nresnet-bk,128,42,,300,not reached\n",
  );
  assertEquals(censored.comparisons[0].ratio, null);
  assertEquals(censored.comparisons[0].test, "sign");
});

Deno.test("buildReport() removes what only an older campaign in the same folder counted", async () => {
  const outputDir = await Deno.makeTempDir();
  const programs = { rsvgConvert: "no-such-program" };
  const files = async (input: ReportInput): Promise<readonly string[]> => {
    await buildReport({ ...input, outputDir, paperDir: null, programs });
    const tables = [...Deno.readDirSync(`${outputDir}/paper/generated/tables`)];
    return [...tables, ...Deno.readDirSync(`${outputDir}/figures`)].map(({ name }) => name)
      .filter((name) => /^comparisons_|^steps|^leaks/.test(name));
  };
  try {
    const counted = ["comparisons_val_loss.tex", "leaks.tex", "steps_to_target.csv"];
    const leak = { leaks: true, largestChange: 1, gainNats: 0.1 };
    assertEquals((await files(campaign({ leak: () => leak }))).toSorted(), counted);
    assertEquals(await files(goldenFixture()), []);
  } finally {
    await Deno.remove(outputDir, { recursive: true });
  }
});

Deno.test("reportFiles() refuses a record that counted no updates", () => {
  const input = goldenFixture();
  const plan = { ...input.plan, target: 2.5, primary: "steps_to_target" as const };
  assertThrows(
    () => compareCells(plan, summarise({ ...input, plan })),
    StoreError,
    "at metrics.steps_to_target: expected a number or null, got nothing",
  );
});
