import { type Tokenizer, TOKENIZER_SCHEMA, tokenizerOf } from "./tokenizer.ts";

const VOCABULARY = 256;
const PIECES: readonly Uint8Array[] = Array.from(
  { length: VOCABULARY },
  (_, byte) => Uint8Array.of(byte),
);

/** One token per byte: no file, no unknown token, so nats per token are nats per byte. */
export const byteTokenizer: Tokenizer = tokenizerOf({
  kind: "byte",
  vocabularySize: VOCABULARY,
  unknownId: null,
  lossless: true,
  encodePart: ({ bytes }) => new Int32Array(bytes),
  byteEnds: ({ bytes }) => Int32Array.from(bytes, (_, i) => i + 1),
  piece: (id) => PIECES[id],
  toJson: () => ({ schema: TOKENIZER_SCHEMA, kind: "byte" }),
});
