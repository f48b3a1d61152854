import { DataError } from "../errors.ts";
import { byteTokenizer } from "./byte_tokenizer.ts";
import { GPT2_PACKAGE, gpt2Tokenizer } from "./gpt2_tokenizer.ts";
import { type Tokenizer, TOKENIZER_SCHEMA, tokenizerDigest, type WordText } from "./tokenizer.ts";
import { wordTokenizer } from "./word_tokenizer.ts";

/** A tokenizer as it is kept beside the parameters that were trained with it. */
export interface SavedTokenizer {
  /** What `toJson()` gave; read from a file, so nothing is known about it. */
  readonly json: unknown;
  /** What `tokenizerDigest()` gave. */
  readonly sha256: string;
}

/**
 * The tokenizer that was saved. `where` names its source in messages.
 *
 * @throws {DataError} If it is of another layout, kind, package version or digest
 */
export function tokenizerFromJson(
  { json, sha256 }: SavedTokenizer,
  options: { readonly where: string },
): Tokenizer {
  const tokenizer = read(json, options.where);
  const found = tokenizerDigest(tokenizer);
  if (found === sha256) return tokenizer;
  throw new DataError(
    [
      `Cannot use the tokenizer of ${options.where}: it is not the one that was saved`,
      `  expected sha256: ${sha256}`,
      `  found sha256:    ${found}`,
      `  what to do:      restore the file`,
    ].join("\n"),
  );
}

function read(json: unknown, where: string): Tokenizer {
  const members: Readonly<Record<string, unknown>> = typeof json === "object" && json !== null
    ? { ...json }
    : {};
  const refuse = (key: string, expected: string): DataError =>
    new DataError(
      `Cannot read the tokenizer of ${where}: at ${key}: expected ${expected}, ` +
        `got ${JSON.stringify(members[key])}`,
    );
  if (members.schema !== TOKENIZER_SCHEMA) throw refuse("schema", JSON.stringify(TOKENIZER_SCHEMA));
  switch (members.kind) {
    case "byte":
      return byteTokenizer;
    case "gpt2":
      if (members.package !== GPT2_PACKAGE) throw refuse("package", JSON.stringify(GPT2_PACKAGE));
      return gpt2Tokenizer;
    case "word":
      if (!isWordText(members.text)) throw refuse("text", '"raw" or "pretokenised"');
      if (!isListOfTexts(members.words)) throw refuse("words", "a list of texts");
      return wordTokenizer({ text: members.text, words: members.words });
    default:
      throw refuse("kind", '"byte", "word" or "gpt2"');
  }
}

function isWordText(value: unknown): value is WordText {
  return value === "raw" || value === "pretokenised";
}

function isListOfTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
