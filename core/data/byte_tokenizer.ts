/** Turns text into ids 0..vocabularySize-1 and back. */
export interface Tokenizer {
  readonly name: string;
  readonly vocabularySize: number;
  /** Ids of a UTF-8 text, (bytes) → (tokens). */
  readonly encode: (text: Uint8Array) => Int32Array<ArrayBuffer>;
  /** The text of ids, (tokens) → (bytes). */
  readonly decode: (ids: Int32Array) => Uint8Array<ArrayBuffer>;
}

function decodeBytes(ids: Int32Array): Uint8Array<ArrayBuffer> {
  const bad = ids.findIndex((id) => id < 0 || id > 255);
  if (bad >= 0) {
    throw new RangeError(`Cannot decode token ${ids[bad]} at position ${bad}: expected 0..255`);
  }
  return Uint8Array.from(ids);
}

/**
 * One token per byte: no file, no unknown token, so nats per token are nats per byte.
 * `decode` throws a RangeError if an id is outside 0..255.
 */
export const byteTokenizer: Tokenizer = {
  name: "byte",
  vocabularySize: 256,
  encode: (text) => Int32Array.from(text),
  decode: decodeBytes,
};
