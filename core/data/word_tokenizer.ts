/**
 * Words with a vocabulary counted on a training text.
 *
 * Raw text is cut by one regular expression: letters with inner apostrophes, numbers with inner points
 * and commas, any other visible character by itself; case is kept, and `<eod>` stands where a document
 * ends. Pre-tokenised text (WikiText, Penn Treebank) is cut at white space, and `<eos>` stands for every
 * newline; a word `<unk>` that is written there is the unknown word.
 *
 * Ids: 0 `<unk>`, 1 the mark of the end, then words by falling count, ties in order of first occurrence.
 */
import { DataError } from "../errors.ts";
import { decodeUtf8 } from "./decode_utf8.ts";
import {
  type TextPart,
  type Tokenizer,
  TOKENIZER_SCHEMA,
  tokenizerOf,
  type WordText,
} from "./tokenizer.ts";

const UNKNOWN = 0;
const END = 1;
const UNKNOWN_WORD = "<unk>";

/** How a text is cut, and how its end is marked. */
interface Cut {
  readonly endWord: string;
  /** What the mark of the end is in a decoded text. */
  readonly endText: string;
  readonly pattern: RegExp;
}

const CUTS: Readonly<Record<WordText, Cut>> = {
  raw: {
    endWord: "<eod>",
    endText: "\n\n",
    pattern: /[A-Za-z]+(?:['’][A-Za-z]+)*|\d+(?:[.,]\d+)*|[^\sA-Za-z\d]/gu,
  },
  // White space as Unicode has it: \s would also take U+FEFF, which stands as a word in WikiText-2.
  pretokenised: { endWord: "<eos>", endText: "\n", pattern: /\n|\P{White_Space}+/gu },
};

/**
 * Counts the words of a training text and keeps the most frequent ones: at most `vocab` ids, the two
 * special ones included; fewer if the text has fewer words.
 *
 * @throws {DataError} If the text has no word or is not UTF-8
 */
export function fitWordTokenizer(
  train: TextPart,
  options: { readonly vocab: number; readonly text: WordText },
): Tokenizer {
  const { vocab, text } = options;
  const { endWord } = CUTS[text];
  const counts = new Map<string, number>();
  visitWords(train, text, (word) => {
    if (word !== null) counts.set(word, (counts.get(word) ?? 0) + 1);
  });
  counts.delete(UNKNOWN_WORD);
  counts.delete(endWord);
  if (counts.size === 0) {
    throw new DataError(
      `Cannot fit a word vocabulary: the training text has no word in its ${train.bytes.length} bytes`,
    );
  }
  // A map keeps the order of first occurrence and the sort is stable.
  const words = [...counts].sort(([, a], [, b]) => b - a).slice(0, vocab - 2).map(([word]) => word);
  return wordTokenizer({ text, words: [UNKNOWN_WORD, endWord, ...words] });
}

/**
 * The tokenizer of a vocabulary, `words[id]`.
 * @throws {DataError} If the two special words do not stand first or a word stands twice
 */
export function wordTokenizer(
  { text, words }: { readonly text: WordText; readonly words: readonly string[] },
): Tokenizer {
  const { endWord, endText } = CUTS[text];
  const ids = new Map(words.map((word, id) => [word, id]));
  refuseBadVocabulary(words, { distinct: ids.size, specials: [UNKNOWN_WORD, endWord] });
  const pieces = words.map((word) => {
    const bytes = new TextEncoder().encode(` ${word}`);
    return { first: bytes.subarray(1), next: bytes };
  });
  const end = new TextEncoder().encode(endText);
  const idOf = (word: string | null): number => word === null ? END : ids.get(word) ?? UNKNOWN;
  return tokenizerOf({
    kind: "word",
    vocabularySize: words.length,
    unknownId: UNKNOWN,
    lossless: false,
    encodePart: (part) => collect(part, text, (word) => idOf(word)),
    byteEnds: (part) => collect(part, text, (_, byteEnd) => byteEnd),
    piece: (id, previous) => {
      if (id === END) return end;
      return previous === null || previous === END ? pieces[id].first : pieces[id].next;
    },
    toJson: () => ({ schema: TOKENIZER_SCHEMA, kind: "word", text, words }),
  });
}

function refuseBadVocabulary(
  words: readonly string[],
  expected: { readonly distinct: number; readonly specials: readonly string[] },
): void {
  const { distinct, specials } = expected;
  if (distinct === words.length && specials.every((word, id) => words[id] === word)) return;
  throw new DataError(
    `Cannot use a word vocabulary: expected ${specials.join(", ")} first and no word twice, got ` +
      `${words.slice(0, 2).join(", ")} first and ${words.length - distinct} repetitions`,
  );
}

/** A word, or null for the mark of an end, and the offset in bytes behind it. */
type Visit = (word: string | null, byteEnd: number) => void;

function collect(
  part: TextPart,
  text: WordText,
  value: (word: string | null, byteEnd: number) => number,
): Int32Array<ArrayBuffer> {
  const values: number[] = [];
  visitWords(part, text, (word, byteEnd) => values.push(value(word, byteEnd)));
  return Int32Array.from(values);
}

function visitWords(part: TextPart, text: WordText, visit: Visit): void {
  if (text === "pretokenised") {
    return visitText(part, { start: 0, end: part.bytes.length, text, visit });
  }
  let start = 0;
  for (const end of part.documentEnds) {
    visitText(part, { start, end, text, visit });
    visit(null, end);
    start = end;
  }
  visitText(part, { start, end: part.bytes.length, text, visit });
}

function visitText({ bytes }: TextPart, span: {
  readonly start: number;
  readonly end: number;
  readonly text: WordText;
  readonly visit: Visit;
}): void {
  const { start, end, text, visit } = span;
  const characters = decodeUtf8(
    bytes.subarray(start, end),
    `bytes ${start} to ${end - 1} of a text`,
  );
  let at = 0;
  let byteEnd = start;
  for (const { 0: word, index } of characters.matchAll(CUTS[text].pattern)) {
    const next = index + word.length;
    byteEnd += utf8Length(characters, { from: at, to: next });
    at = next;
    visit(word === "\n" ? null : word, byteEnd);
  }
}

/** Bytes of characters from..to-1 in UTF-8; a surrogate pair is four. */
function utf8Length(text: string, span: { readonly from: number; readonly to: number }): number {
  let bytes = 0;
  for (let i = span.from; i < span.to; i++) {
    const unit = text.charCodeAt(i);
    bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit & 0xf800) === 0xd800 ? 2 : 3;
  }
  return bytes;
}
