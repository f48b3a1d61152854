import { DataError } from "../errors.ts";
import { expectIds } from "./expect_ids.ts";
import type { TextPart, Tokenizer, TokenizerKind } from "./tokenizer.ts";

/** How a tokenizer does on a text. */
export interface TokenizationReport {
  /** The tokenizer's kind. */
  readonly kind: TokenizerKind;
  /** V. */
  readonly vocabularySize: number;
  /** Number of ids. */
  readonly tokens: number;
  /** UTF-8 bytes of the text. */
  readonly bytes: number;
  /** Whether the ids were decoded and gave the text back byte for byte; false for words, which lose white space. */
  readonly roundTrip: boolean;
  /** Share of tokens that are the unknown one, 0..1; null where nothing is unknown. */
  readonly unknownRate: number | null;
  /** Share of the vocabulary that occurs in the text, 0..1. */
  readonly coverage: number;
}

/**
 * Checks a tokenizer on a text: ids in range, and the text given back where the tokenizer is lossless.
 * `ids` are the text's tokens if they are known already.
 *
 * @throws {DataError} On an id outside the vocabulary (message: id, position, V), an empty text, or a
 * lossless tokenizer that does not give the text back
 */
export function verifyTokenization(
  tokenizer: Tokenizer,
  text: TextPart & { readonly ids?: Int32Array },
): TokenizationReport {
  const { kind, vocabularySize, unknownId, lossless } = tokenizer;
  const ids = text.ids ?? tokenizer.encodePart(text);
  if (ids.length === 0) {
    throw new DataError(`Cannot verify the ${kind} tokenizer: the text has no token`);
  }
  expectIds(ids, { vocabularySize, what: `ids of the ${kind} tokenizer` });
  if (lossless) expectSame(tokenizer.decodeBytes(ids), { kind, expected: text.bytes });
  const counts = new Uint32Array(vocabularySize);
  for (const id of ids) counts[id]++;
  return {
    kind,
    vocabularySize,
    tokens: ids.length,
    bytes: text.bytes.length,
    roundTrip: lossless,
    unknownRate: unknownId === null ? null : counts[unknownId] / ids.length,
    coverage: counts.filter((count) => count > 0).length / vocabularySize,
  };
}

function expectSame(found: Uint8Array, text: {
  readonly kind: TokenizerKind;
  readonly expected: Uint8Array;
}): void {
  const { kind, expected } = text;
  const bad = expected.findIndex((byte, i) => found[i] !== byte);
  if (bad < 0 && found.length === expected.length) return;
  const at = bad < 0 ? expected.length : bad;
  throw new DataError(
    `Cannot use the ${kind} tokenizer: its ids do not give the text back; ` +
      `expected byte ${expected[at] ?? "none"} at ${at}, got ${found[at] ?? "none"}`,
  );
}
