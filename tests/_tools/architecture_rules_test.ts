/** Every rule of the architecture test, shown something that breaks it and something that does not. */
import { assertEquals } from "@std/assert";
import {
  lengthViolations,
  lineEndingViolations,
  nameViolations,
  permissionViolations,
  pinViolations,
  spawnViolations,
  taskViolations,
  topLevelViolations,
} from "./file_rules.ts";
import {
  directionViolations,
  layerOf,
  layerViolations,
  reachViolations,
  specifierViolations,
  wallViolations,
} from "./import_rules.ts";
import {
  arithmeticViolations,
  barrierViolations,
  opViolations,
  ownerViolations,
  pipelineViolations,
} from "./shader_rules.ts";
import type { Import, SourceFile } from "./source_tree.ts";

/** Edges written as "from > to". */
function edges(...lines: readonly string[]): readonly Import[] {
  return lines.map((line) => {
    const [from, to] = line.split(" > ");
    return { from, specifier: to, to };
  });
}

function shader(text: string): readonly SourceFile[] {
  return [{ path: "shaders/x.wgsl", text }];
}

Deno.test("layerOf() names the folder under core, and errors.ts as its own layer", () => {
  assertEquals(layerOf("core/gpu/device.ts"), "gpu");
  assertEquals(layerOf("core/errors.ts"), "errors");
  assertEquals(layerOf("tests/core/gpu/device_test.ts"), undefined);
  assertEquals(layerViolations(["core/gpu/a.ts", "core/errors.ts", "mod.ts"]), []);
  assertEquals(layerViolations(["core/extra/a.ts", "core/loose.ts"]).length, 2);
});

Deno.test("directionViolations() lets imports point down and sideways, never up or out", () => {
  const good = edges(
    "core/ops/a.ts > core/graph/b.ts",
    "core/ops/a.ts > core/ops/b.ts",
    "mod.ts > core/cli/a.ts",
  );
  assertEquals(directionViolations(good), []);
  const bad = edges(
    "core/graph/b.ts > core/ops/a.ts",
    "core/ops/a.ts > tests/a.ts",
    "core/ops/a.ts > mod.ts",
  );
  assertEquals(directionViolations(bad).length, 3);
});

Deno.test("wallViolations() holds stats and report to their short lists", () => {
  const good = edges(
    "core/stats/a.ts > core/random/b.ts",
    "core/report/a.ts > core/store/b.ts",
    "core/report/a.ts > vega",
  );
  assertEquals(wallViolations(good), []);
  const bad = edges("core/report/a.ts > core/manifest/b.ts", "core/report/a.ts > core/random/b.ts");
  assertEquals(wallViolations(bad).length, 2);
});

Deno.test("reachViolations() finds a way through other layers, and prints it", () => {
  const way = edges("core/experiment/a.ts > core/train/b.ts", "core/train/b.ts > core/gpu/c.ts");
  assertEquals(reachViolations(way, { source: "experiment", target: "gpu" }), [
    "experiment reaches gpu: core/experiment/a.ts -> core/train/b.ts -> core/gpu/c.ts",
  ]);
  assertEquals(reachViolations(way, { source: "random", target: "gpu" }), []);
  const circle = edges("core/experiment/a.ts > core/ops/b.ts", "core/ops/b.ts > core/ops/b.ts");
  assertEquals(reachViolations(circle, { source: "experiment", target: "gpu" }), []);
});

Deno.test("specifierViolations() refuses registries, hosts and missing files", () => {
  assertEquals(specifierViolations(edges("core/data/a.ts > @std/yaml", "a.ts > node:fs")), []);
  const bad = ["npm:vega", "jsr:@std/yaml", "https://x/y.ts"];
  assertEquals(specifierViolations(edges(...bad.map((to) => `core/data/a.ts > ${to}`))).length, 3);
  const missing = [{ from: "core/a.ts", specifier: "./b.ts", to: undefined }];
  assertEquals(specifierViolations(missing).length, 1);
});

Deno.test("arithmeticViolations() finds float atomics, fma and extensions, not their mention", () => {
  const good =
    "// fma( and atomic<f32>\nvar<storage> n: atomic<u32>; var m: atomic< i32 >; y = a * b + c;";
  assertEquals(arithmeticViolations(shader(good)), []);
  for (
    const bad of [
      "var<storage> n: atomic<f32>;",
      "y = fma(a, b, c);",
      "enable f16;",
      "atomicCompareExchangeWeak(&n, old, bitcast<u32>(x));",
    ]
  ) assertEquals(arithmeticViolations(shader(bad)).length, 1, bad);
});

Deno.test("barrierViolations() finds a barrier at any depth inside a condition", () => {
  const loop = "fn f() { for (var i = 0; i < n; i++) { if (a) { x = 1; } workgroupBarrier(); } }";
  assertEquals(barrierViolations(shader(loop)), []);
  assertEquals(barrierViolations(shader("fn f() { if (a) { return; } storageBarrier(); }")), []);
  const nested = "fn f() {\n if (a) {\n for (;;) {\n workgroupBarrier(); } } }";
  assertEquals(barrierViolations(shader(nested)), ["shaders/x.wgsl:4: workgroupBarrier inside if"]);
  const otherwise = "fn f() { if (a) { x = 1; } else { let y = workgroupUniformLoad(&z); } }";
  assertEquals(barrierViolations(shader(otherwise)).length, 1);
});

Deno.test("ownerViolations() ties each shader to its op, and each op to its own family", () => {
  const paths = ["shaders/softmax.wgsl", "core/ops/softmax.ts", "core/ops/softmax_backward.ts"];
  const own = edges(
    "core/ops/softmax.ts > shaders/softmax.wgsl",
    "core/ops/softmax_backward.ts > shaders/softmax.wgsl",
  );
  assertEquals(ownerViolations(paths, own), []);
  assertEquals(ownerViolations(paths, []).length, 1);
  assertEquals(ownerViolations([], edges("core/ops/a.ts > shaders/softmax.wgsl")).length, 1);
});

Deno.test("opViolations() finds a kernel that the loop over every op cannot see", () => {
  const uses = edges("core/ops/a.ts > shaders/a.wgsl");
  const file = (text: string): readonly SourceFile[] => [{ path: "core/ops/a.ts", text }];
  assertEquals(opViolations(file("export const op: Op = {};"), uses), []);
  assertEquals(opViolations(file("const op: Op = {}; // export const op"), uses).length, 1);
});

Deno.test("pipelineViolations() lets one file alone create pipelines", () => {
  const text = "device.createComputePipelineAsync({}); device.createShaderModule({});";
  assertEquals(pipelineViolations([{ path: "core/gpu/pipeline.ts", text }]), []);
  assertEquals(pipelineViolations([{ path: "core/gpu/device.ts", text }]).length, 2);
});

Deno.test("topLevelViolations() reports what is missing and what is too much", () => {
  const all =
    ".ci/run .gitattributes .github/a .gitignore LICENSE README.md core/a deno.json deno.lock " +
    "docs/a experiments/a mod.ts paper/a results/a setup.sh shaders/a tests/a";
  assertEquals(topLevelViolations(all.split(" ")), []);
  assertEquals(topLevelViolations(all.split(" ").slice(1)), [".ci is missing"]);
  assertEquals(topLevelViolations([...all.split(" "), "notes.txt"]).length, 1);
});

Deno.test("lengthViolations() allows 300 lines, and more only with a reason at the head", () => {
  const file = (head: string, lines: number): readonly SourceFile[] => [
    { path: "core/a.ts", text: head + "\n".repeat(lines) },
  ];
  assertEquals(lengthViolations(file("", 300)), []);
  assertEquals(lengthViolations(file("", 301)).length, 1);
  assertEquals(lengthViolations(file("// Length: one table of cases", 301)), []);
});

Deno.test("nameViolations() asks for snake_case and a subject", () => {
  assertEquals(
    nameViolations(["core/a/bk_core.ts", "tests/_tools/lint_plugin.ts", "docs/README.md"]),
    [],
  );
  const bad = ["core/a/bkCore.ts", "core/a/utils.ts", "shaders/bk-core.wgsl", "tests/_helpers.ts"];
  assertEquals(nameViolations(bad).length, 4);
});

Deno.test("lineEndingViolations() finds a carriage return", () => {
  assertEquals(lineEndingViolations([{ path: "a.ts", text: "a\nb\n" }]), []);
  assertEquals(lineEndingViolations([{ path: "a.ts", text: "a\r\nb\n" }]).length, 1);
});

Deno.test("taskViolations() refuses shells, every permission and missing descriptions", () => {
  const good = { command: "deno test -P && deno run --allow-read=a.sha256 b.ts", description: "d" };
  assertEquals(taskViolations({ tasks: { good } }), []);
  const bad = [
    "bash .ci/run",
    "./setup.sh",
    "deno run -A a.ts",
    "deno run --allow-all a.ts",
    "sh -c x",
  ];
  for (const command of bad) {
    assertEquals(
      taskViolations({ tasks: { bad: { command, description: "d" } } }).length,
      1,
      command,
    );
  }
  assertEquals(taskViolations({ tasks: { bad: "deno test -P" } }).length, 1);
});

Deno.test("permissionViolations() finds every permission in scripts and in argument lists", () => {
  const file = (text: string): readonly SourceFile[] => [{ path: "a", text }];
  assertEquals(permissionViolations(file("deno test -P\ngit add -A\nnever with `-A`")), []);
  for (
    const bad of [
      "deno run -A a.ts",
      "deno test -qA",
      '["run", "-A", "a.ts"]',
      "deno run --allow-all",
    ]
  ) {
    assertEquals(permissionViolations(file(bad)).length, 1, bad);
  }
});

Deno.test("spawnViolations() wants deno by name in core and tests", () => {
  const good = 'new Deno.Command("deno", { args: [] })';
  assertEquals(spawnViolations([{ path: "core/run/a.ts", text: good }]), []);
  const bad = "new Deno.Command(Deno.execPath(), { args: [] })";
  assertEquals(spawnViolations([{ path: "core/run/a.ts", text: bad }]).length, 1);
  assertEquals(spawnViolations([{ path: "tests/core/a_test.ts", text: bad }]).length, 1);
});

Deno.test("pinViolations() wants one exact version for each dependency", () => {
  const good = {
    a: "npm:vega@6.4.0",
    b: "npm:@types/node@22.15.3",
    c: "npm:deno-std@1.4.0/yaml/mod.js",
  };
  assertEquals(pinViolations({ imports: { ...good, local: "./core/a.ts" } }), []);
  const bad = {
    a: "npm:vega@^6.4.0",
    b: "npm:@types/node",
    c: "npm:vega@6",
    d: "npm:deno-std/yaml",
  };
  assertEquals(pinViolations({ imports: bad }).length, 4);
});
