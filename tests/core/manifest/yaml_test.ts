import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import { parseYaml } from "../../../core/manifest/yaml.ts";

function refusalOf(text: string): string {
  return assertThrows(() => parseYaml(text, { file: "e.yaml" }), ManifestError).message;
}

Deno.test("parseYaml() reads the scalars of the YAML 1.2 core schema (YAML 1.2.2, §10.3.2)", () => {
  const text =
    "{a: 3e-4, b: 0.0003, c: 0x10, d: yes, e: 2020-01-01, f: ~, g: true, h: -1, i: '42'}";
  assertEquals(parseYaml(text, { file: "e.yaml" }), {
    a: 0.0003,
    b: 0.0003,
    c: 16,
    d: "yes",
    e: "2020-01-01",
    f: null,
    g: true,
    h: -1,
    i: "42",
  });
});

Deno.test("parseYaml() names file and line of a syntax error and of a duplicate key", () => {
  assertStringIncludes(refusalOf("a: 1\nb: {\n"), "e.yaml:3: not valid YAML");
  assertStringIncludes(refusalOf("train:\n  steps: 1\n  steps: 2\n"), "e.yaml:3: not valid YAML");
  assertStringIncludes(refusalOf("train:\n  steps: 1\n  steps: 2\n"), "duplicated key");
  assertStringIncludes(refusalOf("a: 1\n---\nb: 2\n"), "more than 1 document");
});

Deno.test("parseYaml() refuses numbers that readers of YAML disagree about", () => {
  for (const number of ["012", "1_000", "0b11", ".nan", ".inf", "-.inf", "1e400"]) {
    const message = refusalOf(`train: {steps: [1, ${number}]}`);
    assertStringIncludes(message, "e.yaml: at train.steps[1]: cannot read");
  }
});

Deno.test("parseYaml() refuses tags, parents inside themselves and __proto__", () => {
  assertStringIncludes(refusalOf("a: !!binary aGk="), "e.yaml:1");
  assertStringIncludes(refusalOf("a: &x {b: *x}"), "a");
  assertStringIncludes(refusalOf("a: {__proto__: {b: 1}}"), "at a.__proto__: not allowed as a key");
});

Deno.test("parseYaml() reads a shared alias as a copy", () => {
  assertEquals(parseYaml("a: &x {b: 1}\nc: *x", { file: "e.yaml" }), { a: { b: 1 }, c: { b: 1 } });
});
