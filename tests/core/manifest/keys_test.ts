import { assertEquals } from "@std/assert";
import { CAMEL_KEYS, camelKey } from "../../../core/manifest/keys.ts";

const SCHEMAS = [
  "manifest_schema.ts",
  "model_schema.ts",
  "resnet_bk_shape.ts",
  "unit_config.ts",
];

function keysOfSchemas(): readonly string[] {
  const sources = SCHEMAS.map((file) =>
    Deno.readTextFileSync(new URL(`../../../core/manifest/${file}`, import.meta.url))
  );
  const keys = sources.join("\n").matchAll(/^\s*([a-z0-9]+(?:_[a-z0-9]+)+):/gm);
  return [...new Set(Array.from(keys, (match) => match[1]))].sort();
}

Deno.test("CAMEL_KEYS lists exactly the keys of the schemas that have an underscore", () => {
  assertEquals(keysOfSchemas(), Object.keys(CAMEL_KEYS).sort());
});

Deno.test("CAMEL_KEYS follows one rule: an underscore becomes a capital", () => {
  for (const [snake, camel] of Object.entries(CAMEL_KEYS)) {
    const parts = snake.split("_").map((part, i) =>
      i === 0 ? part : part[0].toUpperCase() + part.slice(1)
    );
    assertEquals(camel as string, parts.join(""));
  }
});

Deno.test("camelKey() leaves keys of one word and inherited names alone", () => {
  assertEquals(camelKey("steps"), "steps");
  assertEquals(camelKey("toString"), "toString");
  assertEquals(camelKey("n_layers"), "nLayers");
});
