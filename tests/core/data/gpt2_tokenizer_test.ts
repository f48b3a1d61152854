import { assertEquals, assertThrows } from "@std/assert";
import { gpt2Tokenizer } from "../../../core/data/gpt2_tokenizer.ts";
import { loadCorpus } from "../../../core/data/load_corpus.ts";
import { verifyTokenization } from "../../../core/data/verify_tokenization.ts";
import { DataError } from "../../../core/errors.ts";

const idsOf = (text: string): readonly number[] => [...gpt2Tokenizer.encode(text)];

Deno.test("gpt2Tokenizer gives the ids that OpenAI publishes", () => {
  assertEquals(gpt2Tokenizer.vocabularySize, 50257);
  // The model card of GPT-2.
  assertEquals(idsOf("Hello world"), [15496, 995]);
  assertEquals(idsOf(" Hello world"), [18435, 995]);
  // tests/test_encoding.py of the tiktoken project, encodings gpt2 and r50k_base.
  assertEquals(idsOf("hello world"), [31373, 995]);
  assertEquals(idsOf("hello "), [31373, 220]);
  assertEquals(idsOf(""), []);
  const zeros: readonly (readonly [number, readonly number[]])[] = [
    ...[[1, [15]], [5, [20483]], [8, [8269]], [9, [10535, 830]], [15, [8269, 24598]]] as const,
    ...[[16, [25645]], [17, [8269, 10535, 830]]] as const,
  ];
  for (const [length, ids] of zeros) assertEquals(idsOf("0".repeat(length)), ids, `${length}`);
});

Deno.test("gpt2Tokenizer reads the name of a special token as plain text", () => {
  assertEquals(idsOf("hello <|endoftext|>").includes(50256), false);
  assertEquals(gpt2Tokenizer.decode(Int32Array.of(31373, 220, 50256)), "hello <|endoftext|>");
});

Deno.test("gpt2Tokenizer gives back any text, and a character cut in two leaves nothing behind", () => {
  for (
    const text of ["请考试我的软件！12345", "né 𝄞—x \n\n\t", "\ufeffmark", " '’s\r\n", "\u0000"]
  ) {
    const bytes = new TextEncoder().encode(text);
    assertEquals(gpt2Tokenizer.decode(gpt2Tokenizer.encode(bytes)), text);
    const { roundTrip } = verifyTokenization(gpt2Tokenizer, { bytes, documentEnds: [] });
    assertEquals(roundTrip, true);
  }
  const ids = gpt2Tokenizer.encode("𝄞");
  assertEquals(ids.length > 1, true);
  assertEquals(gpt2Tokenizer.decode(ids.subarray(0, 1)).includes("\ufffd"), true);
  assertEquals(gpt2Tokenizer.decode(Int32Array.of(31373)), "hello");
});

Deno.test("gpt2Tokenizer gives sotu 2,074,509 tokens that end at the last byte", () => {
  // js-tiktoken 1.0.21: new Tiktoken(gpt2).encode(text, [], []).length on the assembled text; line by line
  // it gives 2,074,534, since there the newlines between two documents cannot meet.
  const { bytes } = loadCorpus({ id: "sotu" });
  const ends = gpt2Tokenizer.byteEnds({ bytes, documentEnds: [] });
  assertEquals([ends.length, ends.at(-1)], [2_074_509, bytes.length]);
});

Deno.test("gpt2Tokenizer refuses bytes that are no text and ids outside the vocabulary", () => {
  assertThrows(() => gpt2Tokenizer.encode(Uint8Array.of(0xff)), DataError, "expected UTF-8");
  assertThrows(
    () => gpt2Tokenizer.decode(Int32Array.of(0, 50257)),
    DataError,
    "expected ids in 0..50256 (V = 50257), got 50257 at position 1",
  );
});
