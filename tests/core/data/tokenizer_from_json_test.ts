import { assertEquals, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { gpt2Tokenizer } from "../../../core/data/gpt2_tokenizer.ts";
import { type Tokenizer, tokenizerDigest } from "../../../core/data/tokenizer.ts";
import { tokenizerFromJson } from "../../../core/data/tokenizer_from_json.ts";
import { fitWordTokenizer } from "../../../core/data/word_tokenizer.ts";
import { DataError } from "../../../core/errors.ts";

const TEXT = "to be, or not to be\n";
const part = { bytes: new TextEncoder().encode(TEXT), documentEnds: [TEXT.length] };
const raw = fitWordTokenizer(part, { vocab: 6, text: "raw" });
const pretokenised = fitWordTokenizer(part, { vocab: 6, text: "pretokenised" });
const where = { where: "a.ckpt" };

/** What a file gives back. */
const savedOf = (tokenizer: Tokenizer) => ({
  json: JSON.parse(JSON.stringify(tokenizer.toJson())),
  sha256: tokenizerDigest(tokenizer),
});

Deno.test("tokenizerFromJson() makes the same tokenizer again", () => {
  const digests = new Set<string>();
  for (const tokenizer of [byteTokenizer, gpt2Tokenizer, raw, pretokenised]) {
    const again = tokenizerFromJson(savedOf(tokenizer), where);
    assertEquals(again.toJson(), tokenizer.toJson());
    assertEquals(again.encodePart(part), tokenizer.encodePart(part));
    digests.add(tokenizerDigest(again));
  }
  assertEquals(digests.size, 4);
});

Deno.test("tokenizerDigest() is the SHA-256 of the JSON text", () => {
  // printf '%s' '{"schema":"resnet-bk/tokenizer/v1","kind":"byte"}' | sha256sum
  assertEquals(
    tokenizerDigest(byteTokenizer),
    "8848381e5393274097da3316f2230be629f1938ac709c89fc1f1efe2db2fc1d9",
  );
  assertNotEquals(tokenizerDigest(raw), tokenizerDigest(pretokenised));
});

Deno.test("tokenizerFromJson() refuses a vocabulary with two words exchanged", () => {
  const { json, sha256 } = savedOf(raw);
  const words = json.words.with(2, json.words[3]).with(3, json.words[2]);
  const error = assertThrows(
    () => tokenizerFromJson({ json: { ...json, words }, sha256 }, where),
    DataError,
  );
  assertStringIncludes(error.message, "the tokenizer of a.ckpt: it is not the one that was saved");
  assertStringIncludes(error.message, sha256);
});

Deno.test("tokenizerFromJson() names the member it cannot read", () => {
  const refuses = (json: unknown, message: string) =>
    assertThrows(() => tokenizerFromJson({ json, sha256: "" }, where), DataError, message);
  const { schema } = byteTokenizer.toJson();
  refuses(null, 'at schema: expected "resnet-bk/tokenizer/v1", got undefined');
  refuses({ schema: "v0" }, 'got "v0"');
  refuses({ schema, kind: "char" }, 'at kind: expected "byte", "word" or "gpt2", got "char"');
  refuses({ schema, kind: "gpt2", package: "gpt-tokenizer@3.0.0" }, "at package: expected");
  refuses({ schema, kind: "word", text: "cooked", words: [] }, "at text: expected");
  refuses({ schema, kind: "word", text: "raw", words: ["<unk>", 1] }, "at words: expected");
});
