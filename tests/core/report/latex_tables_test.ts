import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { reportFiles } from "../../../core/report/report_files.ts";
import type { ReportInput } from "../../../core/report/summaries.ts";
import { fixture } from "./_fixture.ts";
import { goldenFixture } from "./_golden_fixture.ts";

async function texOf(input: ReportInput, name: string): Promise<string> {
  const { texts } = await reportFiles(input);
  const text = texts.get(`paper/generated/${name}`);
  if (text === undefined) throw new Error(`No file "${name}"`);
  return text;
}

Deno.test("cellsTable() is a booktabs table of facts", async () => {
  const fact = (arm: string, name: string) => `\\fact{phase4/${arm}/128/${name}}`;
  const row = (arm: string) =>
    ["val_loss/ci", "ppl", "grad_norm", "spikes", "n_seeds", "parameters"]
      .map((name) => fact(arm, name)).join(" & ");
  assertEquals(
    await texOf(goldenFixture(), "tables/cells.tex"),
    [
      "% Generated from sealed records; edits are lost",
      "\\begin{tabular}{@{}rlccccrr@{}}",
      "\\toprule",
      "$N$ & arm & val.\\ loss (nats) & PPL & grad.\\ norm & spikes & seeds & parameters \\\\",
      "\\midrule",
      `128 & resnet-bk & ${row("resnet-bk")} \\\\`,
      ` & transformer & ${row("transformer")} \\\\`,
      "\\bottomrule",
      "\\end{tabular}",
      "\\par\\smallskip{\\footnotesize Counting models on the same text (nats): unigram " +
      "\\fact{phase4/floor/128/unigram}, bigram \\fact{phase4/floor/128/bigram}.}",
      "",
    ].join("\n"),
  );
});

Deno.test("resultsTex() holds rounded numbers that SciPy confirms", async () => {
  const text = await texOf(goldenFixture(), "results.tex");
  // Values: _golden_fixture.ts, rounded to two digits of the half-width (0.0205 and 0.0410).
  const expected: Readonly<Record<string, string>> = {
    "resnet-bk/128/val_loss/ci": "3.035 \\ensuremath{\\pm} 0.020",
    "resnet-bk/128/val_loss/interval": "[3.015, 3.055]",
    "resnet-bk/128/ppl": "20.80",
    "transformer/128/val_loss/ci": "3.080 \\ensuremath{\\pm} 0.041",
    "transformer/128/ppl": "21.76",
    "resnet-bk-vs-transformer/128/mean_diff": "\\ensuremath{-0.045}",
    "resnet-bk-vs-transformer/128/ci": "[\\ensuremath{-0.065}, \\ensuremath{-0.025}]",
    "resnet-bk-vs-transformer/128/p": "0.00781",
    "resnet-bk-vs-transformer/128/floor": "0.00781",
    "resnet-bk-vs-transformer/128/p_holm": "0.00781",
    "resnet-bk-vs-transformer/128/dz": "\\ensuremath{-1.63}",
    "resnet-bk-vs-transformer/128/n": "8",
    "primary/verdict": "significant, lower loss: resnet-bk",
    "config/train/steps": "24",
    "resnet-bk/128/parameters": "54\\,321",
  };
  for (const [key, value] of Object.entries(expected)) {
    assertStringIncludes(text, `\\HarnessFact{phase4/${key}}{${value}}{`);
  }
});

Deno.test("resultsTex() is sorted, has no double key, LF only, and the stamp only for smoke", async () => {
  const text = await texOf(fixture(), "results.tex");
  const keys = [...text.matchAll(/^\\HarnessFact\{([^}]*)\}/gm)].map((match) => match[1]);
  assertEquals(keys, [...new Set(keys)].sort());
  assert(keys.length > 50);
  assert(!text.includes("\r") && text.endsWith("}\n"));
  assertStringIncludes(text, "\\HarnessStamp{smoke: not evidence}");
  assert(!(await texOf(fixture({ profile: "cpu" }), "results.tex")).includes("HarnessStamp"));
});

Deno.test("tables show NO DATA for a missing cell and mark a diverged one", async () => {
  const input = fixture({
    profile: "cpu",
    missing: ({ arm, seqLen }) => arm === "transformer" && seqLen === 512,
    diverged: ({ arm, seqLen, seed }) => arm === "resnet-bk" && seqLen === 128 && seed === 42,
  });
  const cells = await texOf(input, "tables/cells.tex");
  assertStringIncludes(cells, " & transformer & \\multicolumn{6}{c}{NO DATA} \\\\");
  assertStringIncludes(cells, "\\dagger}resnet-bk, N = 128: 1 of 8 seeds diverged");
  const comparisons = await texOf(input, "tables/comparisons.tex");
  assertStringIncludes(
    comparisons,
    "512 & resnet-bk $-$ transformer & \\multicolumn{7}{c}{NO DATA}",
  );
});

Deno.test("every fact used by a table or a verdict is defined", async () => {
  const { texts } = await reportFiles(fixture({ missing: ({ seed }) => seed === 44 }));
  const results = texts.get("paper/generated/results.tex") ?? "";
  const defined = new Set(
    [...results.matchAll(/\\HarnessFact\{([^}]*)\}/g)].map((match) => match[1]),
  );
  for (const [path, text] of texts) {
    for (const [, key] of text.matchAll(/\\fact\{([^}]*)\}/g)) {
      assert(defined.has(key), `${path}: ${key}`);
    }
  }
});
