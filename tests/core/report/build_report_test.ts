import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { IncompleteError, StoreError } from "../../../core/errors.ts";
import {
  buildReport,
  type ReportResult,
  requireComplete,
} from "../../../core/report/build_report.ts";
import { formatReportPlan, parseReportPlan } from "../../../core/report/report_plan.ts";
import type { ReportInput } from "../../../core/report/summaries.ts";
import { fixture } from "./_fixture.ts";

const PAPER_DIR = new URL("../../../paper", import.meta.url).pathname;

/** Builds without converter and LaTeX, so that the test is the same on every machine. */
async function build(
  input: ReportInput,
  check: (result: ReportResult, folder: string) => Promise<void> | void,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const result = await buildReport({
      ...input,
      outputDir: folder,
      paperDir: PAPER_DIR,
      programs: { rsvgConvert: "no-such-converter", latexmk: "no-such-latex" },
    });
    await check(result, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("buildReport() writes every text although the PDF cannot be built", async () => {
  await build(fixture(), async ({ files, missing, notBuilt }, folder) => {
    assertEquals(missing, []);
    assertEquals(notBuilt.length, 1);
    assertStringIncludes(notBuilt[0], "PDF not built: no-such-converter not found");
    const names = files.map((path) => path.slice(folder.length + 1));
    for (
      const name of ["figures/curves.svg", "figures/curves.csv", "paper/generated/results.tex"]
    ) {
      assert(names.includes(name), name);
    }
    for (const path of files) assert((await Deno.stat(path)).size > 0, path);
  });
});

Deno.test("requireComplete() turns missing units into exit code 7 and names them", async () => {
  const input = fixture({ missing: ({ arm, seqLen }) => arm === "transformer" && seqLen === 512 });
  await build(input, (result) => {
    assertStringIncludes(result.consoleText, "512        NO DATA");
    const error = assertThrows(() => requireComplete({ ...result, notBuilt: [] }), IncompleteError);
    assertEquals(error.exitCode, 7);
    assertStringIncludes(error.message, "8 planned units have no record");
    assertStringIncludes(error.message, "phase4/smoke/transformer/seq_len=512/seed=42");
  });
});

Deno.test("requireComplete() accepts a report with everything", () => {
  requireComplete({ consoleText: "", comparisons: [], files: [], missing: [], notBuilt: [] });
});

Deno.test("buildReport() with no record at all writes NO DATA everywhere", async () => {
  await build(fixture({ missing: () => true }), ({ missing, consoleText }) => {
    assertEquals(missing.length, 32);
    assertEquals(consoleText.match(/^(128|512) +NO DATA +NO DATA +NO DATA$/gm)?.length, 4);
  });
});

Deno.test("buildReport() removes an older picture that it cannot draw again", async () => {
  const folder = await Deno.makeTempDir();
  const old = `${folder}/paper/generated/figures/curves.pdf`;
  await Deno.mkdir(`${folder}/paper/generated/figures`, { recursive: true });
  await Deno.writeTextFile(old, "old");
  const programs = { rsvgConvert: "no-such-converter" };
  await buildReport({ ...fixture(), outputDir: folder, paperDir: PAPER_DIR, programs });
  await assertRejects(() => Deno.stat(old), Deno.errors.NotFound);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("buildReport() refuses records without floors, naming record and key", async () => {
  const input = fixture();
  const [first, ...rest] = input.records;
  const broken = { ...input, records: [{ ...first, data: {} }, ...rest] };
  const error = await assertRejects(() => build(broken, () => {}), StoreError);
  assertStringIncludes(error.message, `Record "${first.name}": at data.floors`);
});

Deno.test("parseReportPlan() reads what formatReportPlan() wrote and refuses the rest", () => {
  const { plan } = fixture();
  assertEquals(parseReportPlan(formatReportPlan(plan), "x"), plan);
  assertThrows(() => parseReportPlan("{", "report.json"), StoreError, 'report plan "report.json"');
  assertThrows(() => parseReportPlan('{"schema":"v0"}', "x"), StoreError, 'got "v0"');
});
