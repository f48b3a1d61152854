import { assertEquals } from "@std/assert";
import { tokenLabels } from "../../../core/cli/token_labels.ts";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { wordTokenizer } from "../../../core/data/word_tokenizer.ts";

Deno.test("tokenLabels() shows bytes as visible ASCII", () => {
  const labels = tokenLabels(byteTokenizer.encode("a b\nß\t~"), byteTokenizer);
  assertEquals(labels, ["a", "·", "b", "\\n", "\\xc3", "\\x9f", "\\x09", "~"]);
});

Deno.test("tokenLabels() shows words without the space in front, cut to twelve characters", () => {
  const words = ["<unk>", "<eod>", "constitutional", "é"];
  const labels = tokenLabels(Int32Array.of(2, 0, 1, 3), wordTokenizer({ text: "raw", words }));
  assertEquals(labels, ["constituti..", "<unk>", "\\n\\n", "\\xc3\\xa9"]);
});
