import { assertEquals, assertThrows } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { verifyTokenization } from "../../../core/data/verify_tokenization.ts";
import { wordTokenizer } from "../../../core/data/word_tokenizer.ts";
import { DataError } from "../../../core/errors.ts";

const text = { bytes: new TextEncoder().encode("a b a c\n\n"), documentEnds: [9] };

Deno.test("verifyTokenization() counts tokens, unknown words and the vocabulary in use", () => {
  const tokenizer = wordTokenizer({ text: "raw", words: ["<unk>", "<eod>", "a", "b", "d"] });
  assertEquals(verifyTokenization(tokenizer, text), {
    kind: "word",
    vocabularySize: 5,
    tokens: 5,
    bytes: 9,
    roundTrip: false,
    unknownRate: 0.2, // c
    coverage: 0.8, // all but d
  });
});

Deno.test("verifyTokenization() finds the text again behind a lossless tokenizer", () => {
  const { roundTrip, unknownRate, coverage } = verifyTokenization(byteTokenizer, text);
  assertEquals([roundTrip, unknownRate, coverage], [true, null, 5 / 256]);
});

Deno.test("verifyTokenization() refuses foreign ids, other ids than the text's and no ids", () => {
  const ids = byteTokenizer.encode(text.bytes);
  const changed = (at: number, id: number) => ({
    ...text,
    ids: ids.map((x, i) => i === at ? id : x),
  });
  assertThrows(
    () => verifyTokenization(byteTokenizer, changed(3, 256)),
    DataError,
    "expected ids in 0..255 (V = 256), got 256 at position 3",
  );
  assertThrows(
    () => verifyTokenization(byteTokenizer, changed(4, 0x7a)),
    DataError,
    "expected byte 97 at 4, got 122",
  );
  assertThrows(
    () => verifyTokenization(byteTokenizer, { ...text, ids: ids.subarray(0, 8) }),
    DataError,
    "expected byte 10 at 8, got none",
  );
  assertThrows(
    () => verifyTokenization(byteTokenizer, { ...text, bytes: text.bytes.subarray(0, 8), ids }),
    DataError,
    "expected byte none at 8, got 10",
  );
  const nothing = { bytes: new Uint8Array(0), documentEnds: [] };
  assertThrows(() => verifyTokenization(byteTokenizer, nothing), DataError, "no token");
});
