import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import { type ManifestSource, readManifest } from "../../../core/manifest/read_manifest.ts";
import { MANIFEST_TEXT, manifestWith } from "./_manifest_text.ts";

function read(
  files: Readonly<Record<string, string>>,
  file = "experiments/t.yaml",
): ManifestSource {
  const readText = (path: string): string => {
    if (Object.hasOwn(files, path)) return files[path];
    throw new Deno.errors.NotFound(path);
  };
  return readManifest(file, { readText });
}

function refusalOf(piece: string, replacement: string): string {
  const text = manifestWith(piece, replacement);
  return assertThrows(() => read({ "experiments/t.yaml": text }), ManifestError).message;
}

Deno.test("readManifest() names file and key path of an unknown key and suggests the known one", () => {
  const message = refusalOf("n_layers: 1", "n_layer: 1");
  assertStringIncludes(
    message,
    'experiments/t.yaml: at model.n_layer: unknown key; did you mean "n_layers"? Known keys: ',
  );
  assertStringIncludes(message, "bk_channels");
  assertStringIncludes(refusalOf("kind: Experiment", "knid: Experiment"), "at knid: unknown key");
  assertStringIncludes(
    refusalOf("{kind: transformer}", "{kind: transformer, executor: local}"),
    "at arms.transformer.model.executor: unknown key",
  );
});

Deno.test("readManifest() says what it expected and what it got", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["  steps: 4", "  steps: many", 'at train.steps: expected an integer >= 1, got "many"'],
    ["  steps: 4", "  steps: '4'", 'at train.steps: expected an integer >= 1, got "4"'],
    ["  steps: 4", "  steps: 4.5", "at train.steps: expected an integer >= 1, got 4.5"],
    ["  steps: 4", "  steps: 0", "at train.steps: expected an integer >= 1, got 0"],
    ["1.0e-3", "0", "at train.learning_rate: expected a number > 0, got 0"],
    ["beta2: 0.95", "beta2: 1", "at train.beta2: expected a number >= 0 and < 1, got 1"],
    ["tie_head: true", "tie_head: yes", 'at model.tie_head: expected true or false, got "yes"'],
    [
      "[42, 43]",
      "[42, 43, 42]",
      "at replicates.seeds[2]: 42 stands twice, first at [0]; entries must be unique",
    ],
    [
      "[42, 43]",
      "[42, 4294967296]",
      "at replicates.seeds[1]: expected an integer in 0..4294967295, got 4294967296",
    ],
    ["[42, 43]", "8", "at replicates.seeds: expected a list with at least one entry, got 8"],
    [
      "family: holm",
      "family: hlom",
      'at analysis.family: expected one of holm, got "hlom"; did you mean "holm"?',
    ],
    ["harness/v1", "harness/v2", 'at apiVersion: expected one of harness/v1, got "harness/v2"'],
    ["grid: {seq_len: [16]}", "grid: 16", "at grid: expected keys (seq_len), got 16"],
    [
      "ab".repeat(32),
      "AB12",
      'at data.corpus.sha256: expected 64 lower-case hexadecimal digits, got "AB12"',
    ],
    [
      "{steps: 8}",
      "{step: 8}",
      'at profiles.longer.train.step: unknown key; did you mean "steps"?',
    ],
    [
      "{kind: byte}",
      "{kind: gpt3}",
      "at data.tokenizer.kind: expected one of byte, word, gpt2, got",
    ],
    [
      "{kind: byte}",
      "{vocab: 9, kind: byte}",
      "at data.tokenizer.vocab: unknown key; Known keys: kind",
    ],
    [
      "{kind: byte}",
      "{kind: word, vocab: 2, text: raw}",
      "at data.tokenizer.vocab: expected an integer >= 3, got 2",
    ],
    [
      "{kind: byte}",
      "{kind: word, vocab: 9, text: row}",
      'at data.tokenizer.text: expected one of raw, pretokenised, got "row"; did you mean "raw"?',
    ],
    [
      "{kind: byte}",
      "{kind: word, vocabulary: 9}",
      "at data.tokenizer.vocabulary: unknown key; Known keys: kind, vocab, text",
    ],
    ["{kind: byte}", "word", "at data.tokenizer: expected keys ("],
    ["{description: As it stands}", "{}", "at profiles.smoke.description: missing"],
    ["  resnet-bk:", "  Resnet BK:", "at arms.Resnet BK: expected a name of lower-case letters"],
  ];
  for (const [piece, replacement, message] of cases) {
    assertStringIncludes(refusalOf(piece, replacement), `experiments/t.yaml: ${message}`);
  }
});

Deno.test("readManifest() merges what a file extends: objects merge, lists replace", () => {
  const source = read({
    "experiments/t.yaml":
      "extends: ../shared/./base.yaml\ngrid: {seq_len: [8]}\ntrain: {steps: 9}\n",
    "shared/base.yaml": MANIFEST_TEXT,
  });
  assertEquals(source.document.grid, { seq_len: [8] });
  const train = source.document.train as Record<string, unknown>;
  assertEquals([train.steps, train.tokens_per_step], [9, 32]);
  assertEquals(Object.keys(source.profiles), ["smoke", "longer"]);
  assertEquals("extends" in source.document || "profiles" in source.document, false);
});

Deno.test("readManifest() names the file in which a wrong key of a base stands", () => {
  const message = assertThrows(() =>
    read({
      "experiments/t.yaml": "extends: base.yaml\n",
      "experiments/base.yaml": "train: {stpes: 1}\n",
    }), ManifestError).message;
  assertStringIncludes(message, "experiments/base.yaml: at train.stpes: unknown key");
});

Deno.test("readManifest() refuses a cycle of files and a file that is missing", () => {
  const cycle = {
    "experiments/t.yaml": "extends: a.yaml\n",
    "experiments/a.yaml": "extends: ../experiments/t.yaml\n",
  };
  assertStringIncludes(
    assertThrows(() => read(cycle), ManifestError).message,
    "a cycle: experiments/t.yaml -> experiments/a.yaml -> experiments/t.yaml",
  );
  assertStringIncludes(
    assertThrows(() => read({ "experiments/t.yaml": "extends: a.yaml\n" }), ManifestError).message,
    'experiments/t.yaml: at extends: "experiments/a.yaml": cannot be read: no such file',
  );
  assertStringIncludes(
    assertThrows(() => read({}), ManifestError).message,
    "experiments/t.yaml: cannot be read: no such file",
  );
});

Deno.test("readManifest() refuses a document that is not a mapping", () => {
  for (const text of ["", "- a\n", "text\n"]) {
    const error = assertThrows(() => read({ "experiments/t.yaml": text }), ManifestError);
    assertStringIncludes(error.message, "experiments/t.yaml: at the top: expected keys (");
    assertEquals(error.exitCode, 2);
  }
});
