import { assert, assertEquals, assertThrows } from "@std/assert";
import { encodeParts } from "../../../core/data/encode_parts.ts";
import { loadCorpus } from "../../../core/data/load_corpus.ts";
import { countNgrams, ngramFloors, unigramLaw } from "../../../core/data/ngram_floors.ts";
import { splitCorpus } from "../../../core/data/split_corpus.ts";
import type { TextPart } from "../../../core/data/tokenizer.ts";
import { verifyTokenization } from "../../../core/data/verify_tokenization.ts";
import { fitWordTokenizer, wordTokenizer } from "../../../core/data/word_tokenizer.ts";
import { DataError } from "../../../core/errors.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
// python3 tests/golden/tokenizers.py > tests/golden/tokenizers.json
import golden from "../../golden/tokenizers.json" with { type: "json" };

/** Two summations of 100,000 logarithms in different orders. */
const ATOL = 1e-10;

function part(text: string, documentEnds: readonly number[] = []): TextPart {
  return { bytes: new TextEncoder().encode(text), documentEnds };
}

/** The words that a text is cut into: those of a vocabulary that holds all of them. */
function wordsOf(text: TextPart, kind: "raw" | "pretokenised"): readonly string[] {
  const json = fitWordTokenizer(text, { vocab: 1000, text: kind });
  const { words } = json.toJson() as unknown as { readonly words: readonly string[] };
  return [...json.encodePart(text)].map((id) => words[id]);
}

Deno.test("fitWordTokenizer() agrees with Python on sotu: tokens, ids, unknown rate, floors", () => {
  const parts = splitCorpus(loadCorpus({ id: "sotu" }), "interleave");
  const tokenizer = fitWordTokenizer(parts.train, { vocab: 8000, text: "raw" });
  const { words } = tokenizer.toJson() as unknown as { readonly words: readonly string[] };
  assertEquals(words.slice(0, 5), ["<unk>", "<eod>", "the", "of", ","]);
  assertEquals(sha256Hex(words.join("\n")), golden[8000].vocabulary_sha256);
  const encoded = encodeParts(parts, tokenizer);
  const counts = countNgrams(encoded.train, { vocabularySize: 8000, maxOrder: 2 });
  assertEquals(encoded.train.length, golden.tokens.train);
  assertEquals(sha256Hex(new Uint8Array(encoded.train.buffer)), golden[8000].ids_sha256.train);
  for (const name of ["valid", "test"] as const) {
    const ids = encoded[name]!;
    assertEquals(ids.length, golden.tokens[name]);
    assertEquals(sha256Hex(new Uint8Array(ids.buffer)), golden[8000].ids_sha256[name]);
    const { unknownRate } = verifyTokenization(tokenizer, { ...parts[name]!, ids });
    assertEquals(unknownRate, golden[8000].unknown_rate[name]);
    const floors = ngramFloors(ids, counts, { unigram: unigramLaw("word") });
    for (const [k, want] of golden[8000].floors[name].entries()) {
      assert(Math.abs(floors[k].natsPerToken - want) <= ATOL, `${name}, order ${k + 1}`);
    }
  }
});

Deno.test("tokenizers.json holds the published numbers of the corpus", () => {
  // Perplexities of add-one unigram and Witten-Bell bigram at V = 8,000, counted with another program.
  const perplexities = (["valid", "test"] as const).map((name) =>
    golden[8000].floors[name].map((nats) => Math.exp(nats).toFixed(1))
  );
  assertEquals(perplexities, [["513.5", "128.9"], ["503.8", "128.2"]]);
  assertEquals(golden.tokens, { train: 1788721, valid: 98708, test: 94550 });
  assertEquals(golden.types, 31293);
});

Deno.test("fitWordTokenizer() cuts raw text into words, numbers and single characters", () => {
  const cut = (text: string) => wordsOf(part(text), "raw");
  assertEquals(cut("The people's well-being (Applause.)"), [
    ...["The", "people's", "well", "-", "being", "(", "Applause", ".", ")"],
  ]);
  assertEquals(cut("It’s o'clock' 'tis"), ["It’s", "o'clock", "'", "'", "tis"]);
  assertEquals(cut("$1,234.50. 3.x abc123"), ["$", "1,234.50", ".", "3", ".", "x", "abc", "123"]);
  assertEquals(cut("né 𝄞—x\u00a0y"), ["n", "é", "𝄞", "—", "x", "y"]);
});

Deno.test("fitWordTokenizer() marks ends of documents, and only those that are there", () => {
  const text = part("a b\n\nc\n\nd", [5, 8]);
  assertEquals(wordsOf(text, "raw"), ["a", "b", "<eod>", "c", "<eod>", "d"]);
  const tokenizer = fitWordTokenizer(text, { vocab: 9, text: "raw" });
  assertEquals([...tokenizer.byteEnds(text)], [1, 3, 5, 6, 8, 9]);
  assertEquals(tokenizer.encode("a b\n\nc\n\nd").includes(1), false);
});

Deno.test("fitWordTokenizer() byte ends lie behind the word in UTF-8", () => {
  const text = part("né 𝄞—x", []);
  const tokenizer = fitWordTokenizer(text, { vocab: 9, text: "raw" });
  const at = (end: number) => new TextDecoder().decode(text.bytes.subarray(0, end));
  assertEquals([...tokenizer.byteEnds(text)].map(at), ["n", "né", "né 𝄞", "né 𝄞—", "né 𝄞—x"]);
});

Deno.test("fitWordTokenizer() orders by count, then first occurrence, and cuts at vocab", () => {
  const train = part("c b b a a d c a e");
  const words = (vocab: number) => {
    const json = fitWordTokenizer(train, { vocab, text: "raw" }).toJson();
    return (json as unknown as { readonly words: readonly string[] }).words;
  };
  assertEquals(words(100), ["<unk>", "<eod>", "a", "c", "b", "d", "e"]);
  assertEquals(words(5), ["<unk>", "<eod>", "a", "c", "b"]);
  const small = fitWordTokenizer(train, { vocab: 5, text: "raw" });
  assertEquals([...small.encode("a d zebra C")], [2, 0, 0, 0]); // case is kept
});

Deno.test("fitWordTokenizer() of pre-tokenised text: white space, <eos> per line, <unk> as written", () => {
  const lines = part(" = Title = \n \n the <unk> @-@ cat 's\n");
  assertEquals(wordsOf(lines, "pretokenised"), [
    ...["=", "Title", "=", "<eos>", "<eos>", "the", "<unk>", "@-@", "cat", "'s", "<eos>"],
  ]);
  // 'a\ufeff b\u3000c\xa0\ufeff'.split() of Python
  assertEquals(wordsOf(part("a\ufeff b\u3000c\xa0\ufeff"), "pretokenised"), [
    ...["a\ufeff", "b", "c", "\ufeff"],
  ]);
  const tokenizer = fitWordTokenizer(lines, { vocab: 100, text: "pretokenised" });
  assertEquals(tokenizer.vocabularySize, 8); // = Title the @-@ cat 's and the two special ones
  const ids = tokenizer.encodePart(lines);
  assertEquals([ids[3], ids[6]], [1, 0]);
  assertEquals(tokenizer.decode(ids), "= Title =\n\nthe <unk> @-@ cat 's\n");
  assertEquals(tokenizer.encode(tokenizer.decode(ids)), ids);
});

Deno.test("fitWordTokenizer() decoding grows by its next token, so that text can be streamed", () => {
  const text = part("a b\n\nc a\n\n", [5, 10]);
  const tokenizer = fitWordTokenizer(text, { vocab: 9, text: "raw" });
  const ids = tokenizer.encodePart(text);
  assertEquals(tokenizer.decode(ids), "a b\n\nc a\n\n");
  for (let n = 1; n < ids.length; n++) {
    const next = tokenizer.piece(ids[n], ids[n - 1]);
    const grown = tokenizer.decode(ids.subarray(0, n)) + new TextDecoder().decode(next);
    assertEquals(grown, tokenizer.decode(ids.subarray(0, n + 1)));
  }
});

Deno.test("fitWordTokenizer() and wordTokenizer() refuse what they cannot use", () => {
  const options = { vocab: 10, text: "raw" } as const;
  assertThrows(() => fitWordTokenizer(part(" \n\n"), options), DataError, "has no word");
  const latin1 = { bytes: Uint8Array.of(0x61, 0xe9, 0x62), documentEnds: [] };
  assertThrows(() => fitWordTokenizer(latin1, options), DataError, "expected UTF-8");
  for (const words of [["<unk>", "<eos>", "a"], ["<unk>", "<eod>", "a", "a"], []]) {
    assertThrows(() => wordTokenizer({ text: "raw", words }), DataError, "<unk>, <eod> first");
  }
});
