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
