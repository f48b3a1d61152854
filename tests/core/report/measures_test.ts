import { assert, assertEquals } from "@std/assert";
import { figureMeasures } from "../../../core/report/figure_measures.ts";
import {
  measureCsv,
  type MeasureSummary,
  summariseMeasures,
} from "../../../core/report/measures.ts";
import {
  measureFacts,
  measureLatexTable,
  measureTable,
} from "../../../core/report/measure_tables.ts";
import { renderSvg } from "../../../core/report/render_svg.ts";
import { reportFiles } from "../../../core/report/report_files.ts";
import { type ReportInput, summarise } from "../../../core/report/summaries.ts";
import { exactNumber } from "../../../core/store/exact_number.ts";
import { fixture } from "./_fixture.ts";

/** Accuracies of the transformer's three seeds at lag 16; resnet-bk has 0.5 throughout. */
const ACCURACIES = [0.9, 0.8, 1];

/** A made-up campaign of two arms and three seeds whose units measured accuracies. */
function measured(options: { readonly without?: number } = {}): ReportInput {
  const input = fixture({ lengths: [128], seeds: [42, 43, 44] });
  const valueOf = (arm: string, seed: number): number =>
    arm === "transformer" ? ACCURACIES[seed - 42] : 0.5;
  const records = input.records.map((record) => ({
    ...record,
    data: { ...(record.data as Record<string, never>), chance: 0.25 },
    metrics: {
      ...record.metrics,
      "accuracy/128": exactNumber(0.25),
      "accuracy/16": record.arm === "transformer" && record.seed === options.without
        ? null
        : exactNumber(valueOf(record.arm, record.seed)),
      "accuracy/all": exactNumber(0.375),
    },
  }));
  return { ...input, records };
}

function rowsOf(input: ReportInput): readonly MeasureSummary[] {
  return summariseMeasures(summarise(input));
}

Deno.test("summariseMeasures() gives mean and t-interval over seeds, lags in order of number", () => {
  const rows = rowsOf(measured());
  assertEquals(rows.map(({ arm, name }) => `${arm} ${name}`), [
    ...["resnet-bk accuracy/16", "resnet-bk accuracy/128", "resnet-bk accuracy/all"],
    ...["transformer accuracy/16", "transformer accuracy/128", "transformer accuracy/all"],
  ]);
  // scipy.stats.t.interval(0.95, 2, 0.9, scipy.stats.sem([0.9, 0.8, 1])) = (0.651586, 1.148414)
  const { value } = rows[3];
  assert(Math.abs(value!.mean - 0.9) <= 1e-12);
  assert(Math.abs(value!.low! - 0.651586) <= 1e-6);
  assert(Math.abs(value!.high! - 1.148414) <= 1e-6);
});

Deno.test("summariseMeasures() gives no mean over the seeds that are left", () => {
  const row = rowsOf(measured({ without: 43 }))[3];
  assertEquals([row.name, row.records, row.lacking, row.value], ["accuracy/16", 3, 1, null]);
  assertEquals(rowsOf(fixture()), []); // losses alone are no measures
});

Deno.test("measureTable() has measures down and arms across, with the stamp of a smoke run", () => {
  const input = measured();
  assertEquals(measureTable(input.plan, rowsOf(input)).split("\n"), [
    "Measures at N = 128: mean over seeds and 95 % t-interval  [smoke: not evidence]",
    "=".repeat(79),
    "measure       resnet-bk      transformer",
    "accuracy/16   0.500 ± 0.000  0.90 ± 0.25",
    "accuracy/128  0.250 ± 0.000  0.250 ± 0.000",
    "accuracy/all  0.375 ± 0.000  0.375 ± 0.000",
    "",
  ]);
  const lacking = measureTable(input.plan, rowsOf(measured({ without: 43 })));
  assert(lacking.includes("accuracy/16   0.500 ± 0.000  1 of 3 lack it"));
});

Deno.test("measureFacts() hold every number of the LaTeX table, with the records behind it", () => {
  const input = measured();
  const facts = measureFacts(input.plan, rowsOf(input));
  const table = measureLatexTable(input.plan, rowsOf(input));
  const used = [...table.matchAll(/\\fact\{([^}]+)\}/g)].map((match) => match[1]);
  const known = new Map(facts.map((fact) => [fact.key, fact]));
  assertEquals(used.length, 6);
  for (const key of used) assert(known.has(key), key);
  const fact = known.get("phase4/transformer/128/accuracy/16/ci")!;
  assertEquals([fact.text, fact.runs.length], ["0.90 \\ensuremath{\\pm} 0.25", 3]);
  // Outside facts, keys and the length the table has no digit.
  const rest = table.replace(/\\fact\{[^}]+\}|\\path\{[^}]+\}|\$N = 128\$/g, "");
  assert(!/\d/.test(rest), rest);
});

Deno.test("measureCsv() writes numbers in full", () => {
  const [header, first] = measureCsv(rowsOf(measured())).split("\n");
  assertEquals(header, "measure,arm,seq_len,mean,low,high,n,lacking");
  assertEquals(first, "accuracy/16,resnet-bk,128,0.5,0.5,0.5,3,0");
});

Deno.test("reportFiles() draws measures where there are any, and only there", async () => {
  const withMeasures = (await reportFiles(measured())).texts;
  const svg = withMeasures.get("figures/measures.svg")!;
  for (const text of ["lag (tokens)", "accuracy", "guessing", "smoke: not evidence"]) {
    assert(svg.includes(text), text);
  }
  assert(withMeasures.has("paper/generated/tables/measures.tex"));
  const without = [...(await reportFiles(fixture())).texts.keys()];
  assertEquals(without.filter((path) => path.includes("measures")), []);
});

Deno.test("figureMeasures() draws cosines in a panel for each scope, in order of arms", async () => {
  const { plan } = fixture();
  const row = (arm: string, scope: string, when: string, mean: number): MeasureSummary => ({
    ...{ arm, label: arm, seqLen: 128, family: "cosine", name: `cosine/${scope}/${when}` },
    ...{ records: 2, lacking: 0, value: { mean, low: mean - 0.1, high: mean + 0.1 }, keys: [] },
  });
  const rows = plan.arms.flatMap((arm) =>
    ["potential", "all"].flatMap((scope) =>
      ["initial", "trained"].map((when) => row(arm, scope, when, 0.3))
    )
  );
  const svg = await renderSvg(figureMeasures({ plan, rows, chance: null }), "measures");
  for (
    const text of [
      ...["parameters of the potential", "all parameters", "before training", "after training"],
      ...["cosine with the exact gradient", ...plan.arms],
    ]
  ) assert(svg.includes(text), text);
  // Two panels of two arms, before and after, each a point and a bar.
  assertEquals(svg.match(/aria-roledescription="point"/g)?.length, 8);
});
