import { assertEquals } from "@std/assert";
import plugin from "./lint_plugin.ts";

/** Identifiers of the rules that fire for this text at this path, sorted, one per report. */
function reportsFor(path: string, source: string): readonly string[] {
  return Deno.lint.runPlugin(plugin, path, source).map((report) => report.id).sort();
}

function assertCases(
  rule: string,
  cases: readonly { path: string; source: string; reports: number }[],
): void {
  for (const { path, source, reports } of cases) {
    const expected = Array.from({ length: reports }, () => `house/${rule}`);
    assertEquals(reportsFor(path, source), expected, `${path}: ${source}`);
  }
}

Deno.test("no-math-random fires in core only, for every spelling", () => {
  assertCases("no-math-random", [
    { path: "core/data/batches.ts", source: "const x = Math.random();", reports: 1 },
    { path: "core/data/batches.ts", source: 'const x = Math["random"]();', reports: 1 },
    { path: "core/data/batches.ts", source: "const f = globalThis.Math.random;", reports: 1 },
    { path: "core/data/batches.ts", source: "const { random } = Math;", reports: 1 },
    { path: "core/data/batches.ts", source: "const x = Math.round(1.5);", reports: 0 },
    { path: "core/data/batches.ts", source: "const x = stream.random();", reports: 0 },
    { path: "tests/core/data/batches_test.ts", source: "const x = Math.random();", reports: 0 },
  ]);
});

Deno.test("no-math-random fires at the absolute path that deno lint passes", () => {
  const root = new URL("../../", import.meta.url).pathname;
  assertEquals(reportsFor(`${root}core/data/a.ts`, "Math.random();"), ["house/no-math-random"]);
  assertEquals(reportsFor(`${root}tests/core/a.ts`, "Math.random();"), []);
});

Deno.test("no-wall-clock fires in core, except in core/run/clock.ts", () => {
  assertCases("no-wall-clock", [
    { path: "core/train/loop.ts", source: "const t = Date.now();", reports: 1 },
    { path: "core/train/loop.ts", source: "const t = performance.now();", reports: 1 },
    { path: "core/train/loop.ts", source: "const t = new Date();", reports: 1 },
    { path: "core/train/loop.ts", source: "const t = Date();", reports: 1 },
    { path: "core/train/loop.ts", source: "const { now } = Date;", reports: 1 },
    { path: "core/train/loop.ts", source: "const t = Temporal.Now.instant();", reports: 1 },
    { path: "core/train/loop.ts", source: "const t = new Date(0).toISOString();", reports: 0 },
    { path: "core/train/loop.ts", source: "const t = clock.now();", reports: 0 },
    { path: "core/run/clock.ts", source: "const t = Date.now();", reports: 0 },
    { path: "core/run/other_clock.ts", source: "const t = Date.now();", reports: 1 },
    { path: ".ci/junit_counts.ts", source: "const t = performance.now();", reports: 0 },
  ]);
});

Deno.test("no-wgsl-template fires for shader text in strings and templates, not in tests", () => {
  const kernel = "@compute @workgroup_size(1) fn main() {}";
  assertCases("no-wgsl-template", [
    { path: "core/ops/softmax.ts", source: `const s = "${kernel}";`, reports: 1 },
    { path: "core/ops/softmax.ts", source: "const s = `" + kernel + "`;", reports: 1 },
    { path: "core/ops/softmax.ts", source: "const s = `a${b}@group(0)`;", reports: 1 },
    { path: "core/ops/softmax.ts", source: `// ${kernel}`, reports: 0 },
    { path: "core/ops/softmax.ts", source: 'const s = "compute the group";', reports: 0 },
    { path: "tests/core/gpu/pipeline_test.ts", source: `const s = "${kernel}";`, reports: 0 },
    { path: "core/ops/elementwise_kernel.ts", source: "const s = `@group(0)`;", reports: 0 },
    { path: "core/ops/elementwise_kernel.ts", source: `const s = "${kernel}";`, reports: 1 },
  ]);
});

Deno.test("no-barrel fires for every form of re-export outside the root mod.ts", () => {
  assertCases("no-barrel", [
    { path: "core/ops/index.ts", source: 'export * from "./softmax.ts";', reports: 1 },
    { path: "core/ops/index.ts", source: 'export { softmax } from "./softmax.ts";', reports: 1 },
    { path: "core/ops/index.ts", source: 'export type { S } from "./softmax.ts";', reports: 1 },
    { path: "core/ops/index.ts", source: 'import { s } from "./s.ts"; export { s };', reports: 1 },
    { path: "core/mod.ts", source: 'export * from "./ops/softmax.ts";', reports: 1 },
    { path: "mod.ts", source: 'export { softmax } from "./core/ops/softmax.ts";', reports: 0 },
    { path: "core/ops/softmax.ts", source: "const s = 1; export { s };", reports: 0 },
    { path: "core/ops/softmax.ts", source: "export const s = 1;", reports: 0 },
  ]);
});

Deno.test("no-utils-file fires for names without a subject", () => {
  assertCases("no-utils-file", [
    { path: "core/data/utils.ts", source: "export const a = 1;", reports: 1 },
    { path: "tests/core/util.ts", source: "export const a = 1;", reports: 1 },
    { path: "core/gpu/helpers.ts", source: "export const a = 1;", reports: 1 },
    { path: "core/data/utilisation.ts", source: "export const a = 1;", reports: 0 },
  ]);
});
