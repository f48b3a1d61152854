import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  multiLengthTable,
  multiLengthTables,
  smokeBanner,
} from "../../../core/report/console_table.ts";
import { type CellSummary, summarise } from "../../../core/report/summaries.ts";
import { fixture } from "./_fixture.ts";

function cell(fields: Partial<CellSummary>): CellSummary {
  const { records } = fixture({ lengths: [128] });
  return {
    arm: "resnet-bk",
    seqLen: 128,
    planned: 8,
    records: records.filter((record) => record.arm === "resnet-bk"),
    seeds: [],
    diverged: 0,
    loss: { mean: 3, low: 2.98, high: 3.02, halfWidth: 0.02, perplexity: Math.exp(3) },
    spikes: 2,
    gradNorm: { mean: 1.5, sd: 0.25 },
    leak: { leaks: false, largestChange: 0, gain: null },
    ...fields,
  };
}

Deno.test("multiLengthTable() has the promised columns and words", () => {
  const table = multiLengthTable("Title", [
    cell({}),
    cell({ seqLen: 512, diverged: 1 }),
    cell({ seqLen: 2048, records: [] }),
    cell({ seqLen: 8192, gradNorm: null }),
  ]);
  // Widths 10, 12, 10 and 15; exp(3) = 20.0855, its half-width 0.02 * exp(3) = 0.40.
  assertEquals(
    table,
    [
      "Title",
      "============================================================",
      "Seq Len    Final PPL    Spikes     Grad Norm",
      "------------------------------------------------------------",
      "128        20.09        2          1.500 ± 0.250",
      "512        DIVERGED     2          1.500 ± 0.250",
      "2048       NO DATA      NO DATA    NO DATA",
      "8192       20.09        2          n/a",
      "512: 1 of 8 seeds diverged; with the worst finite loss of this length in their place PPL is " +
      "at least 20.09",
      "2048: 8 of 8 seeds have no record",
      "",
    ].join("\n"),
  );
});

Deno.test("multiLengthTables() names the arm in each title", () => {
  const input = fixture({ lengths: [128] });
  const text = multiLengthTables(input.plan, summarise(input));
  assertEquals(text.match(/^=+$/gm)?.length, 2);
  assertStringIncludes(text, "Long-context stability: resnet-bk (");
  assertStringIncludes(text, "Long-context stability: transformer (");
});

Deno.test("smokeBanner() stamps smoke runs and no others", () => {
  assertStringIncludes(smokeBanner(fixture().plan), "smoke: not evidence");
  assertEquals(smokeBanner(fixture({ profile: "cpu" }).plan), "");
});
