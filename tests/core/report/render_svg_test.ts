import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { PaperError } from "../../../core/errors.ts";
import { renderSvg } from "../../../core/report/render_svg.ts";
import { FIGURE_SVG_PATH, reportFiles } from "../../../core/report/report_files.ts";
import type { ReportInput } from "../../../core/report/summaries.ts";
import { fixture } from "./_fixture.ts";

async function svgOf(input: ReportInput): Promise<string> {
  const { texts } = await reportFiles(input);
  return texts.get(FIGURE_SVG_PATH) ?? "";
}

async function svgOfProcess(): Promise<Uint8Array> {
  const script = new URL("_print_svg.ts", import.meta.url).pathname;
  const { success, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "--quiet", "--no-prompt", "-P=test", script],
    stdout: "piped",
    stderr: "piped",
  }).output();
  assert(success, new TextDecoder().decode(stderr));
  return stdout;
}

Deno.test("renderSvg() gives the same bytes in two processes", async () => {
  const [first, second] = await Promise.all([svgOfProcess(), svgOfProcess()]);
  assert(first.length > 10_000, `only ${first.length} bytes`);
  assertEquals(new TextDecoder().decode(first), new TextDecoder().decode(second));
});

Deno.test("renderSvg() gives the same bytes twice in one process", async () => {
  const first = await svgOf(fixture());
  await svgOf(fixture({ lengths: [64] })); // another figure in between
  assertEquals(await svgOf(fixture()), first);
});

Deno.test("renderSvg() draws what the data say", async () => {
  const svg = await svgOf(fixture());
  for (const text of [">smoke: not evidence<", ">N = 512<", ">transformer<", ">bigram<"]) {
    assertStringIncludes(svg, text);
  }
  assert(!/NaN|undefined/.test(svg));
  const other = await svgOf(fixture({ profile: "cpu" }));
  assert(!other.includes("not evidence"));
});

Deno.test("renderSvg() says where a cell is missing or a seed diverged", async () => {
  const svg = await svgOf(fixture({
    missing: ({ arm, seqLen }) => arm === "transformer" && seqLen === 512,
    diverged: ({ arm, seqLen, seed }) => arm === "resnet-bk" && seqLen === 128 && seed === 42,
  }));
  assertStringIncludes(svg, ">NO DATA: transformer<");
  assertStringIncludes(svg, ">resnet-bk: 1 of 8 seeds diverged<");
  assertStringIncludes(
    await svgOf(fixture({ missing: () => true })),
    ">NO DATA: resnet-bk, transformer<",
  );
});

Deno.test("renderSvg() refuses a figure that depends on chance", async () => {
  const spec = {
    data: { values: [] },
    mark: { type: "errorband" as const, extent: "ci" as const },
    encoding: {},
  };
  await assertRejects(() => renderSvg(spec, "bad"), PaperError, 'spec.mark.extent is "ci"');
});
