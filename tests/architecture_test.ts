/** The shape of the project. The rules and their own tests stand in tests/_tools. */
import { assert, assertEquals } from "@std/assert";
import {
  type Configuration,
  lengthViolations,
  lineEndingViolations,
  nameViolations,
  permissionViolations,
  pinViolations,
  spawnViolations,
  taskViolations,
  topLevelViolations,
} from "./_tools/file_rules.ts";
import {
  directionViolations,
  layerViolations,
  reachViolations,
  specifierViolations,
  wallViolations,
} from "./_tools/import_rules.ts";
import {
  arithmeticViolations,
  barrierViolations,
  opViolations,
  ownerViolations,
  pipelineViolations,
} from "./_tools/shader_rules.ts";
import { ignoredSources, projectPaths, readImports, readTextFiles } from "./_tools/source_tree.ts";

const paths = await projectPaths();
const files = await readTextFiles(paths);
const imports = await readImports(paths.filter((path) => path.endsWith(".ts")));
const shaders = files.filter(({ path }) => path.startsWith("shaders/"));
const configuration: Configuration = JSON.parse(
  files.find(({ path }) => path === "deno.json")?.text ?? "{}",
);

function assertNone(violations: readonly string[]): void {
  assertEquals(violations, [], "\n" + violations.join("\n"));
}

Deno.test("architecture: the tree, its imports and its shaders were really read", () => {
  assert(files.length > 50, `read ${files.length} text files`);
  assert(shaders.length > 0, "read no shader");
  assert(imports.some(({ to }) => to?.endsWith(".wgsl")), "saw no import of a shader");
  assert(imports.some(({ from }) => from === "tests/architecture_test.ts"), "saw no test");
});

Deno.test("architecture: .gitignore hides no source file", async () => {
  assertNone(await ignoredSources());
});

Deno.test("architecture: every file of core stands in a layer", () => {
  assertNone(layerViolations(paths));
});

Deno.test("architecture: imports never point to a higher layer", () => {
  assertNone(directionViolations(imports));
});

Deno.test("architecture: stats and report keep to their walls", () => {
  assertNone(wallViolations(imports));
});

Deno.test("architecture: experiment never reaches gpu, so that plans need no adapter", () => {
  assertNone(reachViolations(imports, { source: "experiment", target: "gpu" }));
});

Deno.test("architecture: imports use the names of deno.json and exist", () => {
  assertNone(specifierViolations(imports));
});

Deno.test("architecture: shaders use no float atomics, no fma and no extensions", () => {
  assertNone(arithmeticViolations(shaders));
});

Deno.test("architecture: no barrier stands inside a condition", () => {
  assertNone(barrierViolations(shaders));
});

Deno.test("architecture: each shader belongs to an op, and each kernel's op is in the loop", () => {
  assertNone([...ownerViolations(paths, imports), ...opViolations(files, imports)]);
});

Deno.test("architecture: only core/gpu/pipeline.ts creates shader modules and pipelines", () => {
  assertNone(pipelineViolations(files));
});

Deno.test("architecture: the top level holds what it should and nothing else", () => {
  assertNone(topLevelViolations(paths));
});

Deno.test("architecture: files stay within 300 lines, or say why not", () => {
  assertNone(lengthViolations(files));
});

Deno.test("architecture: files are in snake_case and named after a subject", () => {
  assertNone(nameViolations(paths));
});

Deno.test("architecture: every text file ends its lines with LF", () => {
  assertNone(lineEndingViolations(files));
});

Deno.test("architecture: tasks need no shell and say what they do", () => {
  assertNone(taskViolations(configuration));
});

Deno.test("architecture: nothing runs Deno with every permission", () => {
  assertNone(permissionViolations(files));
});

Deno.test("architecture: child processes start deno by the name that is permitted", () => {
  assertNone(spawnViolations(files));
});

Deno.test("architecture: every dependency is pinned to one version", () => {
  assertNone(pinViolations(configuration));
});
