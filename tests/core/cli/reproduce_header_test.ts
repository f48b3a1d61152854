import { assertEquals } from "@std/assert";
import { tokenLines } from "../../../core/cli/reproduce_header.ts";
import { CORPORA } from "../../../core/data/corpora.ts";
import type { TextSettings } from "../../../core/manifest/unit_config.ts";
import { loadUnitData } from "../../../core/run/load_unit_data.ts";

function linesOf(tokenizer: TextSettings["tokenizer"]): readonly string[] {
  const { text, defaultSplit } = CORPORA["moby-dick"];
  const corpus = { id: "moby-dick", sha256: text.sha256, split: defaultSplit };
  return tokenLines(loadUnitData({ corpus, tokenizer }, { dataDirs: [], userCorpus: null }));
}

Deno.test("tokenLines() says V and the unknown words, and nothing about bytes", () => {
  assertEquals(linesOf({ kind: "byte" }), []);
  // python3: words of the last 5 to 10 % of the text by the rule of tests/golden/tokenizers.py
  assertEquals(linesOf({ kind: "word", vocab: 2000, text: "raw" }), [
    "  tokens    word, V = 2000; of the validation text 4.54 bytes per token, 14.88 % unknown",
  ]);
  // js-tiktoken 1.0.21: 16,736 tokens of 60,283 bytes
  assertEquals(linesOf({ kind: "gpt2" }), [
    "  tokens    gpt2, V = 50257; of the validation text 3.60 bytes per token, none unknown",
  ]);
});
