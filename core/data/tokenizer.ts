/** What every tokenizer offers, and the parts of it that all of them share. */
import { sha256Hex } from "../random/sha256.ts";
import { expectIds } from "./expect_ids.ts";

/** A text and where its documents end. */
export interface TextPart {
  /** UTF-8. */
  readonly bytes: Uint8Array;
  /**
   * Ascending offsets in `bytes`, each behind the last byte of a document. A document that goes on
   * beyond the text has none.
   */
  readonly documentEnds: readonly number[];
}

/** What is needed to make a tokenizer again, as plain JSON with keys in this order. */
export type TokenizerJson =
  | { readonly schema: typeof TOKENIZER_SCHEMA; readonly kind: "byte" }
  | { readonly schema: typeof TOKENIZER_SCHEMA; readonly kind: "gpt2"; readonly package: string }
  | {
    readonly schema: typeof TOKENIZER_SCHEMA;
    readonly kind: "word";
    readonly text: WordText;
    /** The vocabulary by id: "<unk>", the mark of an end, then words. */
    readonly words: readonly string[];
  };

/** Version of {@link TokenizerJson}. */
export const TOKENIZER_SCHEMA = "resnet-bk/tokenizer/v1";

/** Name of a kind of tokenizer. */
export type TokenizerKind = TokenizerJson["kind"];

/** What the words of a text are: "raw" text is cut by a rule, "pretokenised" text at white space. */
export type WordText = "raw" | "pretokenised";

/** What a kind of tokenizer must define. */
export interface TokenizerRule {
  /** Its name in a manifest. */
  readonly kind: TokenizerKind;
  /** V; ids are 0..V-1. */
  readonly vocabularySize: number;
  /** Id of whatever is not in the vocabulary; null where every text can be written. */
  readonly unknownId: number | null;
  /** Whether `decodeBytes(encode(text))` gives back any UTF-8 text byte for byte. */
  readonly lossless: boolean;
  /** Ids of a text with the marks of its documents' ends, if the kind has such marks. */
  readonly encodePart: (part: TextPart) => Int32Array<ArrayBuffer>;
  /** Offset in the text behind each token of `encodePart`, same shape: bytes up to and with it. */
  readonly byteEnds: (part: TextPart) => Int32Array<ArrayBuffer>;
  /** Bytes that an id of the vocabulary adds to a text that ends with the id `previous`. */
  readonly piece: (id: number, previous: number | null) => Uint8Array;
  /** What `tokenizerFromJson` makes it from again. */
  readonly toJson: () => TokenizerJson;
}

/** Turns text into ids 0..vocabularySize-1 and back. Made by `fitTokenizer` or `tokenizerFromJson`. */
export interface Tokenizer extends TokenizerRule {
  /** Ids of a text that ends no document, a prompt say; text or its UTF-8 bytes → (tokens). */
  readonly encode: (text: string | Uint8Array) => Int32Array<ArrayBuffer>;
  /**
   * The text of ids, (tokens) → (bytes).
   * @throws {DataError} On an id outside the vocabulary
   */
  readonly decodeBytes: (ids: Int32Array) => Uint8Array<ArrayBuffer>;
  /**
   * The same as text. Bytes that are no UTF-8, a character cut in two say, become U+FFFD.
   * @throws {DataError} On an id outside the vocabulary
   */
  readonly decode: (ids: Int32Array) => string;
}

/** Adds to a kind's rule what follows from it. */
export function tokenizerOf(rule: TokenizerRule): Tokenizer {
  const decodeBytes = (ids: Int32Array): Uint8Array<ArrayBuffer> => {
    const { vocabularySize } = rule;
    expectIds(ids, { vocabularySize, what: `ids of the ${rule.kind} tokenizer` });
    const pieces = Array.from(ids, (id, i) => rule.piece(id, i === 0 ? null : ids[i - 1]));
    const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    return bytes;
  };
  return {
    ...rule,
    encode: (text) => {
      const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
      return rule.encodePart({ bytes, documentEnds: [] });
    },
    decodeBytes,
    // A byte-order mark is part of the text like any character.
    decode: (ids) => new TextDecoder("utf-8", { ignoreBOM: true }).decode(decodeBytes(ids)),
  };
}

/** SHA-256 (hexadecimal) of the JSON text of a tokenizer: equal digests give equal ids. */
export function tokenizerDigest(tokenizer: Tokenizer): string {
  return sha256Hex(JSON.stringify(tokenizer.toJson()));
}
