import { assertEquals, assertThrows } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { DataError } from "../../../core/errors.ts";

// U+00E9 is C3 A9 and U+1D11E is F0 9D 84 9E in UTF-8 (RFC 3629, table 3-1 of Unicode).
const TEXT = "Aé𝄞";
const BYTES = [0x41, 0xc3, 0xa9, 0xf0, 0x9d, 0x84, 0x9e];

Deno.test("byteTokenizer encodes UTF-8 bytes as ids, text or bytes", () => {
  assertEquals([...byteTokenizer.encode(TEXT)], BYTES);
  assertEquals([...byteTokenizer.encode(Uint8Array.from(BYTES))], BYTES);
  assertEquals(byteTokenizer.vocabularySize, 256);
});

Deno.test("byteTokenizer gives back every byte and every text", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assertEquals(byteTokenizer.decodeBytes(byteTokenizer.encode(bytes)), bytes);
  assertEquals(byteTokenizer.decodeBytes(new Int32Array(0)).length, 0);
  assertEquals(byteTokenizer.decode(Int32Array.from(BYTES)), TEXT);
  assertEquals(byteTokenizer.decode(Int32Array.from(BYTES.slice(0, 5))), "Aé\ufffd");
});

Deno.test("byteTokenizer ends a token behind every byte", () => {
  const part = { bytes: Uint8Array.from(BYTES), documentEnds: [3] };
  assertEquals([...byteTokenizer.byteEnds(part)], [1, 2, 3, 4, 5, 6, 7]);
  assertEquals([...byteTokenizer.encodePart(part)], BYTES);
});

Deno.test("byteTokenizer refuses ids outside the vocabulary", () => {
  for (const id of [256, -1]) {
    assertThrows(
      () => byteTokenizer.decode(Int32Array.of(0, id)),
      DataError,
      `expected ids in 0..255 (V = 256), got ${id} at position 1`,
    );
  }
});
