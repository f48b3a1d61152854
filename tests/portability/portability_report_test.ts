import { assertEquals, assertStringIncludes } from "@std/assert";
import type { KernelSet } from "./collect_kernels.ts";
import type { CompiledReport } from "./compile_in_page.ts";
import { withControls } from "./controls.ts";
import { judge, type PortabilityReport, reportText } from "./portability_report.ts";

const SET: KernelSet = {
  texts: [{ shader: "sum", source: "@compute @workgroup_size(64)\nfn forward() {}" }],
  kernels: [1, 2].map((COUNT) => ({
    text: 0,
    shader: "sum",
    entryPoint: "forward",
    overrides: { COUNT },
    bindings: 2,
    origin: `trial ${COUNT}`,
  })),
  plans: 2,
};
const CONTROLS = withControls(SET).kernels.slice(SET.kernels.length);
const REFUSED = CONTROLS.map(() => "refused");

function judgementOf(
  found: Partial<CompiledReport>,
  set: KernelSet = SET,
): PortabilityReport {
  const adapter = { vendor: "v", architecture: "a", description: "", isFallbackAdapter: true };
  const report = { adapter, texts: [[]], kernels: [null, null, ...REFUSED], ...found };
  return judge(set, { report, browser: "Chromium 1", controls: CONTROLS });
}

Deno.test("judge() passes a set of which everything compiled and every control was refused", () => {
  const judged = judgementOf({});
  assertEquals([judged.ok, judged.refusals, judged.unreached], [true, [], []]);
  assertEquals(judged.rows, [{ kernel: "sum/forward", pipelines: 2, compiled: 2 }]);
});

Deno.test("judge() counts equal refusals of an entry point once, with the first origin", () => {
  const judged = judgementOf({ kernels: ["division by zero", "division by zero", ...REFUSED] });
  assertEquals(judged.ok, false);
  assertEquals(judged.rows, [{ kernel: "sum/forward", pipelines: 2, compiled: 0 }]);
  assertEquals(judged.refusals.map(({ times, origin }) => [times, origin]), [[2, "trial 1"]]);
});

Deno.test("judge() fails on an error in a text and not on a warning, each with its line", () => {
  const error = judgementOf({ texts: [[{ type: "error", line: 3, message: "no such name" }]] });
  assertEquals(error.ok, false);
  assertStringIncludes(reportText(error), "failed: sum:3: no such name");
  const warning = judgementOf({ texts: [[{ type: "warning", line: 4, message: "unused" }]] });
  assertEquals(warning.ok, true);
  assertStringIncludes(reportText(warning), "remark: sum:4: unused");
});

Deno.test("judge() fails when the compiler takes a forbidden program", () => {
  const judged = judgementOf({ kernels: [null, null, null, ...REFUSED.slice(1)] });
  assertEquals([judged.ok, judged.controls_taken], [false, [CONTROLS[0].origin]]);
});

Deno.test("judge() fails when an entry point of a text is in no plan", () => {
  const source = `${SET.texts[0].source}\n@compute @workgroup_size(1)\nfn backward() {}`;
  const judged = judgementOf({}, { ...SET, texts: [{ shader: "sum", source }] });
  assertEquals([judged.ok, judged.unreached], [false, ["sum/backward"]]);
});
