import { assert, assertEquals } from "@std/assert";
import { CORPORA } from "../../../core/data/corpora.ts";
import { tokenizerDigest } from "../../../core/data/tokenizer.ts";
import type { TextSettings } from "../../../core/manifest/unit_config.ts";
import { loadUnitData, type TextUnitData } from "../../../core/run/load_unit_data.ts";
// python3 tests/golden/tokenizers.py > tests/golden/tokenizers.json
import golden from "../../golden/tokenizers.json" with { type: "json" };

function load(id: "sotu" | "moby-dick", tokenizer: TextSettings["tokenizer"]): TextUnitData {
  const { text, defaultSplit } = CORPORA[id];
  const corpus = { id, sha256: text.sha256, split: defaultSplit };
  return loadUnitData({ corpus, tokenizer }, { dataDirs: [], userCorpus: null });
}

Deno.test("loadUnitData() of words records vocabulary, unknown rates and floors per token", () => {
  const data = load("sotu", { kind: "word", vocab: 16000, text: "raw" });
  const { facts, floors, tokenizer, vocabularySize } = data;
  assertEquals([vocabularySize, facts.vocabulary_size, facts.tokenizer], [16000, 16000, "word"]);
  const want = golden[16000];
  assert(Math.abs(floors.unigram - want.floors.valid[0]) <= 1e-10, `${floors.unigram}`);
  assert(Math.abs(floors.bigram - want.floors.valid[1]) <= 1e-10, `${floors.bigram}`);
  const { tokenization } = facts;
  assertEquals(tokenization?.sha256, tokenizerDigest(tokenizer));
  assertEquals(tokenization?.bits_per_byte_is_lower_bound, true);
  assertEquals(tokenization?.valid, {
    tokens: 98708,
    bytes_per_token: 534555 / 98708,
    unknown_rate: want.unknown_rate.valid,
  });
  assertEquals(tokenization?.test?.unknown_rate, want.unknown_rate.test);
  // Each floor fact per byte is the one per token, spread over the part's bytes.
  const [{ nats_per_token, nats_per_byte }] = facts.floors.valid;
  assert(Math.abs(nats_per_byte * 534555 - nats_per_token * 98708) <= 1e-6);
});

Deno.test("loadUnitData() knows the bytes behind the tokens that a model is scored on", () => {
  for (const tokenizer of [{ kind: "gpt2" }, { kind: "word", vocab: 3000, text: "raw" }] as const) {
    const data = load("moby-dick", tokenizer);
    const { bytes } = data.facts.parts.valid;
    assertEquals(data.bytesOfTargets(0), 0);
    // All but the first token: the whole part but for the bytes of that token and white space at its end.
    const first = data.tokenizer.piece(data.valid[0], null).length;
    const all = data.bytesOfTargets(data.valid.length - 1);
    assert(all <= bytes - first && all > bytes - first - 4, `${all} of ${bytes}`);
    const half = Math.floor(data.valid.length / 2);
    const rest = data.tokenizer.decodeBytes(data.valid.subarray(half + 1)).length;
    if (tokenizer.kind === "gpt2") {
      assertEquals(data.bytesOfTargets(half) + rest + first, bytes);
      assertEquals(data.facts.tokenization?.bits_per_byte_is_lower_bound, false);
    }
  }
});

Deno.test("loadUnitData() of bytes has as many bytes as tokens and no facts about tokens", () => {
  const data = load("moby-dick", { kind: "byte" });
  assertEquals([data.bytesOfTargets(1), data.bytesOfTargets(256)], [1, 256]);
  assertEquals([data.valid.length, data.vocabularySize], [data.facts.parts.valid.bytes, 256]);
  assertEquals("tokenization" in data.facts, false);
});
