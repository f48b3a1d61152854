import { assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import { readManifest } from "../../../core/manifest/read_manifest.ts";
import {
  type Override,
  type ResolvedManifest,
  resolveManifest,
} from "../../../core/manifest/resolve_manifest.ts";
import { MANIFEST_TEXT, manifestWith } from "./_manifest_text.ts";

function resolve(
  text: string,
  options: { profile?: string; overrides?: readonly Override[] } = {},
): ResolvedManifest {
  const { profile = "smoke", overrides = [] } = options;
  return resolveManifest(readManifest("t.yaml", { readText: () => text }), { profile, overrides });
}

Deno.test("resolveManifest() lays the profile over the manifest, in names of the code", () => {
  const { manifest } = resolve(MANIFEST_TEXT, { profile: "longer" });
  assertEquals(manifest.train.steps, 8);
  assertEquals(manifest.train.tokensPerStep, 32);
  assertEquals(manifest.grid.seqLen, [16, 32]);
  assertEquals(manifest.metadata.title, "A tiny experiment");
  assertEquals(Object.keys(manifest.arms), ["resnet-bk", "transformer"]);
});

Deno.test("resolveManifest() suggests a profile for an unknown one", () => {
  const error = assertThrows(() => resolve(MANIFEST_TEXT, { profile: "smok" }), ManifestError);
  assertStringIncludes(error.message, 'no such profile; did you mean "smoke"?');
});

Deno.test("resolveManifest() names the key that no file, profile or override gives", () => {
  const error = assertThrows(() => resolve(manifestWith("  steps: 4\n", "")), ManifestError);
  assertStringIncludes(error.message, "t.yaml (profile smoke): at train.steps: missing");
  assertEquals(
    resolve(manifestWith("  steps: 4\n", ""), { profile: "longer" }).manifest.train.steps,
    8,
  );
});

Deno.test("resolveManifest() reads each kind of tokenizer, and a patch of one", () => {
  const tokenizerOf = (text: string, options = {}) => {
    const { data } = resolve(text, options).manifest;
    if (!("tokenizer" in data)) throw new Error("a text was expected");
    return data.tokenizer;
  };
  const word = manifestWith("{kind: byte}", "{kind: word, vocab: 8000, text: raw}");
  assertEquals(tokenizerOf(MANIFEST_TEXT), { kind: "byte" });
  assertEquals(tokenizerOf(manifestWith("{kind: byte}", "{kind: gpt2}")), { kind: "gpt2" });
  assertEquals(tokenizerOf(word), { kind: "word", vocab: 8000, text: "raw" });
  const patch = { source: "--vocab", patch: { data: { tokenizer: { vocab: 16000 } } } };
  assertEquals(tokenizerOf(word, { overrides: [patch] }), {
    kind: "word",
    vocab: 16000,
    text: "raw",
  });
  for (
    const [text, message] of [
      [manifestWith("{kind: byte}", "{kind: word, vocab: 9}"), "tokenizer.text: missing"],
      [manifestWith("{kind: byte}", "{vocab: 9}"), "tokenizer.kind: missing"],
    ]
  ) assertStringIncludes(assertThrows(() => resolve(text), ManifestError).message, message);
  const error = assertThrows(() => resolve(MANIFEST_TEXT, { overrides: [patch] }), ManifestError);
  assertStringIncludes(error.message, "at data.tokenizer.vocab: unknown key");
});

Deno.test("resolveManifest() applies overrides last and checks them", () => {
  const seeds = { source: "--seeds", patch: { replicates: { seeds: [7] } } };
  assertEquals(resolve(MANIFEST_TEXT, { overrides: [seeds] }).manifest.replicates.seeds, [7]);
  const wrong = { source: "--seeds", patch: { replicates: { seeds: [-1] } } };
  const error = assertThrows(() => resolve(MANIFEST_TEXT, { overrides: [wrong] }), ManifestError);
  assertStringIncludes(error.message, "--seeds: at replicates.seeds[0]: expected an integer in");
});

Deno.test("resolveManifest() digest ignores comments, key order and execution, and nothing else", () => {
  const digest = resolve(MANIFEST_TEXT).digest;
  const same = [
    manifestWith("\napiVersion", "\n# a comment\napiVersion"),
    manifestWith("{id: sotu, ", "{split: interleave, id: sotu, ").replace(
      ", split: interleave}",
      "}",
    ),
    manifestWith("executor: inline, workers: 1", "executor: local, workers: 9"),
    manifestWith("learning_rate: 1.0e-3", "learning_rate: 0.001"),
    manifestWith("train: {steps: 8}", "train: {steps: 80}"), // another profile
  ];
  for (const text of same) assertEquals(resolve(text).digest, digest);
  const different = [
    manifestWith("learning_rate: 1.0e-3", "learning_rate: 0.0011"),
    manifestWith("[42, 43]", "[42, 44]"),
    manifestWith("A tiny experiment", "Another title"),
  ];
  for (const text of different) assertNotEquals(resolve(text).digest, digest);
});

const VAL_LOSS = "val_loss: {direction: lower, unit: nats/token}";

function withTarget(metric: string): string {
  return manifestWith(VAL_LOSS, `${VAL_LOSS}, steps_to_target: ${metric}`);
}

Deno.test("resolveManifest() reads the target of a metric, and the profile's before it", () => {
  const text = withTarget("{direction: lower, unit: updates, scale: ratio}")
    .replace("As it stands}", "As it stands, metrics: {steps_to_target: {target: 4.5}}}")
    .replace("Longer, ", "Longer, metrics: {steps_to_target: {target: 2}}, ");
  for (const [profile, target] of [["smoke", 4.5], ["longer", 2]] as const) {
    assertEquals(resolve(text, { profile }).manifest.metrics.stepsToTarget, {
      direction: "lower",
      unit: "updates",
      scale: "ratio",
      target,
    });
  }
  assertEquals(resolve(MANIFEST_TEXT).manifest.metrics.stepsToTarget, undefined);
});

Deno.test("resolveManifest() names what is wrong with a target", () => {
  const at = "at metrics.steps_to_target";
  const cases: readonly (readonly [string, string])[] = [
    ["{direction: lower, unit: updates, scale: ratio}", `${at}.target: missing`],
    ["{direction: lower, unit: updates, scale: ratio, target: 0}", `${at}.target: expected a`],
    ['{direction: lower, unit: updates, scale: ratio, target: "3"}', `${at}.target: expected a`],
    ["{direction: lower, unit: updates, target: 3}", `${at}.scale: missing`],
    [
      "{direction: higher, unit: updates, scale: ratio, target: 3}",
      `${at}.direction: expected one`,
    ],
    [
      "{direction: lower, unit: steps, scale: ratio, target: 3}",
      `${at}.unit: expected one of updates`,
    ],
    ["{direction: lower, unit: updates, scale: ratio, tagret: 3}", 'did you mean "target"?'],
  ];
  for (const [metric, says] of cases) {
    const error = assertThrows(() => resolve(withTarget(metric)), ManifestError);
    assertStringIncludes(error.message, says);
  }
  const wrong = manifestWith("primary: val_loss", "primary: steps_to_targt");
  const error = assertThrows(() => resolve(wrong), ManifestError);
  assertStringIncludes(error.message, 'did you mean "steps_to_target"?');
});
