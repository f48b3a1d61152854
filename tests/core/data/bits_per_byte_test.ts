import { assert, assertEquals } from "@std/assert";
import { bitsPerByte } from "../../../core/data/bits_per_byte.ts";

Deno.test("bitsPerByte() is 8 for a uniform guess over bytes, whatever the tokens", () => {
  assertEquals(bitsPerByte(Math.log(256), { tokens: 7, bytes: 7 }), 8);
  // One token of two bytes, guessed among 65,536: 16 bits for 2 bytes.
  assert(Math.abs(bitsPerByte(Math.log(65536), { tokens: 50, bytes: 100 }) - 8) <= 1e-14);
});

Deno.test("bitsPerByte() has the bits of loss / ln 2 where a token is a byte", () => {
  for (const loss of [1.8603, 2.3645170912, 3.0093]) {
    assertEquals(bitsPerByte(loss, { tokens: 16384, bytes: 16384 }), loss / Math.LN2);
  }
});
