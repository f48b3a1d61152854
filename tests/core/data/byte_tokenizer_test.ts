import { assertEquals, assertThrows } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";

Deno.test("byteTokenizer encodes UTF-8 bytes as ids", () => {
  // U+00E9 is C3 A9 and U+1D11E is F0 9D 84 9E in UTF-8 (RFC 3629, table 3-1 of Unicode).
  const ids = byteTokenizer.encode(new TextEncoder().encode("Aé𝄞"));
  assertEquals([...ids], [0x41, 0xc3, 0xa9, 0xf0, 0x9d, 0x84, 0x9e]);
  assertEquals(byteTokenizer.vocabularySize, 256);
});

Deno.test("byteTokenizer gives back every byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assertEquals(byteTokenizer.decode(byteTokenizer.encode(bytes)), bytes);
  assertEquals(byteTokenizer.decode(new Int32Array(0)).length, 0);
});

Deno.test("byteTokenizer refuses ids outside the vocabulary", () => {
  for (const id of [256, -1]) {
    assertThrows(
      () => byteTokenizer.decode(Int32Array.of(0, id)),
      RangeError,
      `token ${id} at position 1`,
    );
  }
});
