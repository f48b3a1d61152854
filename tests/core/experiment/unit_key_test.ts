import { assertEquals, assertNotEquals } from "@std/assert";
import { expand } from "../../../core/experiment/expand.ts";
import { type KeyIngredients, unitKey } from "../../../core/experiment/unit_key.ts";
import { whyChanged } from "../../../core/experiment/why_changed.ts";
import { MANIFEST_TEXT, manifestWith } from "../manifest/_manifest_text.ts";
import { resolvedText } from "./_resolved.ts";

const INGREDIENTS: KeyIngredients = {
  inputs: { corpus: "ab".repeat(32) },
  code: "cd".repeat(32),
  environment: { deno: "2.9.6", backend: "webgpu" },
  randomAlgorithm: "threefry2x32-20",
};

function keysOf(text: string, ingredients = INGREDIENTS): readonly string[] {
  return expand(resolvedText(text)).map((unit) => unitKey(unit, ingredients).key);
}

Deno.test("unitKey() is the SHA-256 of the canonical pre-image", () => {
  const unit = {
    name: "n",
    experiment: "e",
    profile: "p",
    arm: "a",
    cell: { seq_len: 2 },
    seed: 7,
    config: { seq_len: 2 },
  };
  const { key, preimage } = unitKey(unit, {
    inputs: {},
    code: "c",
    environment: { deno: "d", backend: "b" },
    randomAlgorithm: "r",
  });
  assertEquals(
    JSON.stringify(preimage),
    '{"v":1,"kind":"train","config":{"seq_len":2},"inputs":{},"code":"c",' +
      '"env":{"deno":"d","backend":"b"},"rng":{"algorithm":"r","seed":7}}',
  );
  // printf '%s' '{"code":"c","config":{"seq_len":2},"env":{"backend":"b","deno":"d"},"inputs":{},"kind":"train","rng":{"algorithm":"r","seed":7},"v":1}' | sha256sum
  assertEquals(key, "19657b159819ecd84ae1d241069b5246fb178d1b100ebc385251119d75cae4cf");
});

Deno.test("unitKey() stays when comments, order, titles, execution or other profiles change", () => {
  const keys = keysOf(MANIFEST_TEXT);
  const edits = [
    manifestWith("\ntrain:", "\n# warm-up is short\ntrain:"),
    manifestWith("  n_layers: 1\n  tie_head: true\n", "  tie_head: true\n  n_layers: 1\n"),
    manifestWith("A tiny experiment", "Another title"),
    manifestWith("name: tiny", "name: other"),
    manifestWith("executor: inline, workers: 1", "executor: local, workers: 8"),
    manifestWith("train: {steps: 8}", "train: {steps: 80}"),
    manifestWith("alpha: 0.05", "alpha: 0.01"),
    manifestWith("[42, 43]", "[43, 42]"),
    manifestWith("learning_rate: 1.0e-3", "learning_rate: 0.00100"),
  ];
  for (const text of edits) assertEquals(keysOf(text), keys);
});

Deno.test("unitKey() changes with every setting, seed, corpus digest and ingredient", () => {
  const keys = new Set(keysOf(MANIFEST_TEXT));
  const edits = [
    manifestWith("learning_rate: 1.0e-3", "learning_rate: 1.1e-3"),
    manifestWith("  steps: 4", "  steps: 5"),
    manifestWith("[42, 43]", "[44, 45]"),
    manifestWith("[16]", "[32]"),
    manifestWith("n_layers: 1", "n_layers: 2"),
    manifestWith("ab".repeat(32), "ba".repeat(32)),
    manifestWith("split: interleave", "split: chronological"),
    manifestWith("{kind: byte}", "{kind: gpt2}"),
    manifestWith("{kind: byte}", "{kind: word, vocab: 8000, text: raw}"),
    manifestWith("{kind: byte}", "{kind: word, vocab: 8001, text: raw}"),
    manifestWith("{kind: byte}", "{kind: word, vocab: 8000, text: pretokenised}"),
  ].map((text) => keysOf(text));
  const ingredients = [
    { ...INGREDIENTS, code: "ce".repeat(32) },
    { ...INGREDIENTS, inputs: { corpus: "ac".repeat(32) } },
    { ...INGREDIENTS, randomAlgorithm: "threefry4x64-20" },
    { ...INGREDIENTS, environment: { deno: "2.9.7", backend: "webgpu" } },
    { ...INGREDIENTS, environment: { deno: "2.9.6", backend: "reference" } },
  ].map((changed) => keysOf(MANIFEST_TEXT, changed));
  for (const changed of [...edits, ...ingredients]) {
    assertEquals(changed.filter((key) => keys.has(key)), []);
    assertEquals(new Set(changed).size, changed.length);
  }
  assertEquals(new Set(edits.flat()).size, edits.flat().length);
});

Deno.test("unitKey() of one kind of model stays when settings of another kind change", () => {
  const before = keysOf(MANIFEST_TEXT);
  const after = keysOf(manifestWith("bk_channels: 2", "bk_channels: 4"));
  assertEquals(after.slice(2), before.slice(2)); // transformer
  assertNotEquals(after[0], before[0]); // resnet-bk
});

Deno.test("whyChanged() names the settings that differ", () => {
  const [before] = expand(resolvedText(MANIFEST_TEXT));
  const [after] = expand(resolvedText(manifestWith("weight_decay: 0.01", "weight_decay: 0.1")));
  const code = "ef".repeat(32);
  assertEquals(
    whyChanged(
      unitKey(before, INGREDIENTS).preimage,
      unitKey(after, { ...INGREDIENTS, code, inputs: {} }).preimage,
    ),
    [
      { path: "code", before: INGREDIENTS.code, after: code },
      { path: "config.train.weight_decay", before: 0.01, after: 0.1 },
      { path: "inputs.corpus", before: "ab".repeat(32), after: undefined },
    ],
  );
});
