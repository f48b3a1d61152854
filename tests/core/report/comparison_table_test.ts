import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { comparisonTable } from "../../../core/report/comparison_table.ts";
import { compareCells } from "../../../core/report/comparisons.ts";
import { type ReportInput, summarise } from "../../../core/report/summaries.ts";
import { fixture } from "./_fixture.ts";
import { goldenFixture } from "./_golden_fixture.ts";

function tableOf(input: ReportInput): string {
  return comparisonTable(input.plan, compareCells(input.plan, summarise(input)));
}

Deno.test("comparisonTable() prints difference, interval, p, floor and adjusted p", () => {
  const rows = tableOf(goldenFixture()).split("\n");
  assertEquals(
    rows[2],
    "Seq Len  A vs B                    n  Mean diff  95% CI            p        Floor    p (Holm)",
  );
  assertEquals(
    rows[4],
    "128      resnet-bk vs transformer  8  -0.045     [-0.065, -0.025]  0.00781  0.00781  0.00781",
  );
  assertEquals(rows[5], "         significant, lower loss: resnet-bk");
});

Deno.test("comparisonTable() names the other arm when the sign turns", () => {
  const text = tableOf(goldenFixture({
    finalLoss: ({ arm, seed }) =>
      3 + (seed - 42) / 100 * (arm === "transformer" ? 1 : 2) +
      (arm === "transformer" ? 0 : 0.01),
  }));
  assertStringIncludes(text, "+0.045");
  assertStringIncludes(text, "significant, lower loss: transformer");
});

Deno.test("comparisonTable() says not significant where it is so", () => {
  // Alternating signs: the mean difference is 0 and every sign pattern is at least as extreme.
  const text = tableOf(goldenFixture({
    finalLoss: ({ arm, seed }) => 3 + (arm === "transformer" ? (seed % 2 === 0 ? 1 : -1) / 50 : 0),
  }));
  assertStringIncludes(text, "\n         not significant\n");
  assert(!text.includes("lower loss"));
});

Deno.test("comparisonTable() stamps every line with a p-value of a smoke run", () => {
  const text = tableOf(goldenFixture({ profile: "smoke" }));
  const lines = text.split("\n").filter((line) => /0\.00781|significant|verdict/.test(line));
  assertEquals(lines.length, 2);
  for (const line of lines) assertStringIncludes(line, "smoke: not evidence");
  assert(!text.includes("lower loss"), "a smoke run names no winner");
});

Deno.test("comparisonTable() shows NO DATA and withholds Holm while the family is incomplete", () => {
  const input = fixture({
    profile: "cpu",
    missing: ({ arm, seqLen, seed }) => arm === "transformer" && seqLen === 512 && seed === 45,
  });
  const rows = tableOf(input).split("\n");
  assert(/^128 .* n\/a$/.test(rows[4]), rows[4]);
  assert(/^512 .*( +NO DATA){6}$/.test(rows[6]), rows[6]);
  assertStringIncludes(rows[7], "NO DATA: transformer: 1 of 8 seeds have no record");
});

Deno.test("comparisonTable() says so when no p-value could pass", () => {
  const text = tableOf(goldenFixture({ seeds: [42, 43, 44, 45, 46] }));
  assertStringIncludes(text, "not significant: 5 seeds cannot pass 1 tests at 0.05");
});
