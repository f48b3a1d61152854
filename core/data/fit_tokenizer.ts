import { assertNever } from "../errors.ts";
import { byteTokenizer } from "./byte_tokenizer.ts";
import { GPT2_VOCABULARY, gpt2Tokenizer } from "./gpt2_tokenizer.ts";
import type { TextPart, Tokenizer, WordText } from "./tokenizer.ts";
import { fitWordTokenizer } from "./word_tokenizer.ts";

/** Which tokenizer, `data.tokenizer` of a manifest. */
export type TokenizerSettings =
  | { readonly kind: "byte" }
  | { readonly kind: "word"; readonly vocab: number; readonly text: WordText }
  | { readonly kind: "gpt2" };

/**
 * The tokenizer of settings; a word vocabulary is counted on the training part and nothing else.
 * @throws {DataError} If the training part has no word
 */
export function fitTokenizer(settings: TokenizerSettings, train: TextPart): Tokenizer {
  switch (settings.kind) {
    case "byte":
      return byteTokenizer;
    case "word":
      return fitWordTokenizer(train, settings);
    case "gpt2":
      return gpt2Tokenizer;
    default:
      return assertNever(settings);
  }
}

/** Largest V of settings, known without a text: exact but for words, where a small text may have fewer. */
export function vocabularyLimit(settings: TokenizerSettings): number {
  switch (settings.kind) {
    case "byte":
      return byteTokenizer.vocabularySize;
    case "word":
      return settings.vocab;
    case "gpt2":
      return GPT2_VOCABULARY;
    default:
      return assertNever(settings);
  }
}
