/**
 * GPT-2's byte pair encoding, 50,257 ids.
 *
 * Source: Radford, Wu, Child, Luan, Amodei, Sutskever, "Language models are unsupervised multitask
 * learners" (2019), section 2.2. Merges and ranks come from the package gpt-tokenizer (MIT), where the
 * encoding is called r50k_base.
 *
 * A text is encoded whole: cut at its lines it would have other tokens where white space meets a cut.
 * The name of the special token `<|endoftext|>`, id 50256, is plain text in a text: no corpus can forge
 * it, and nothing writes it.
 */
import { encode } from "gpt-tokenizer/encoding/r50k_base";
import ranks from "gpt-tokenizer/bpeRanks/r50k_base";
import { decodeUtf8 } from "./decode_utf8.ts";
import { type Tokenizer, TOKENIZER_SCHEMA, tokenizerOf } from "./tokenizer.ts";

/** Name and version of the package, as a saved tokenizer names it. */
export const GPT2_PACKAGE = "gpt-tokenizer@4.0.0";

/** V: 256 bytes, 50,000 merges, `<|endoftext|>`. */
export const GPT2_VOCABULARY = 50_257;

const PLAIN_TEXT = { disallowedSpecial: new Set<string>() };

/** GPT-2's tokenizer: lossless, no unknown token, no mark of a document's end. */
export const gpt2Tokenizer: Tokenizer = tokenizerOf({
  kind: "gpt2",
  vocabularySize: GPT2_VOCABULARY,
  unknownId: null,
  lossless: true,
  encodePart: ({ bytes }) => idsOf(bytes),
  byteEnds: ({ bytes }) => {
    let end = 0;
    return idsOf(bytes).map((id) => end += pieceOf(id).length);
  },
  piece: pieceOf,
  toJson: () => ({ schema: TOKENIZER_SCHEMA, kind: "gpt2", package: GPT2_PACKAGE }),
});

function idsOf(bytes: Uint8Array): Int32Array<ArrayBuffer> {
  return Int32Array.from(encode(decodeUtf8(bytes, "text for the gpt2 tokenizer"), PLAIN_TEXT));
}

const pieces = new Map<number, Uint8Array>();

/** The package's own decoder keeps the bytes of a cut character until its next call; this one has no state. */
function pieceOf(id: number): Uint8Array {
  const known = pieces.get(id);
  if (known) return known;
  const entry = id === GPT2_VOCABULARY - 1 ? "<|endoftext|>" : ranks[id];
  const piece = typeof entry === "string"
    ? new TextEncoder().encode(entry)
    : Uint8Array.from(entry);
  pieces.set(id, piece);
  return piece;
}
