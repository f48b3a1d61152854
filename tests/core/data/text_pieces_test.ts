import { assertEquals } from "@std/assert";
import { byteTokenizer } from "../../../core/data/byte_tokenizer.ts";
import { TextPieces } from "../../../core/data/text_pieces.ts";

Deno.test("TextPieces gives a character with the last of its bytes, UTF-8 of U+00F6 and U+20AC", () => {
  // RFC 3629: U+00F6 is C3 B6, U+20AC is E2 82 AC.
  const pieces = new TextPieces(byteTokenizer, Int32Array.of(0x61));
  const texts = [0xc3, 0xb6, 0xe2, 0x82, 0xac, 0x62, 0xe2].map((id) => pieces.add(id));
  assertEquals(texts, ["", "ö", "", "", "€", "b", ""]);
  assertEquals([pieces.end(), pieces.text, pieces.ids.length], ["\ufffd", "ö€b\ufffd", 7]);
});
