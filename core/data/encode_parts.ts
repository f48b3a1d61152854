import { expectIds } from "./expect_ids.ts";
import { PART_NAMES, type PartName, type SplitCorpus } from "./split_corpus.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** The ids of the parts of a corpus, each (tokens), and the tokenizer that made them. */
export interface EncodedParts {
  readonly tokenizer: Tokenizer;
  readonly train: Int32Array<ArrayBuffer>;
  readonly valid: Int32Array<ArrayBuffer>;
  /** Null where the split has no test part. */
  readonly test: Int32Array<ArrayBuffer> | null;
}

/**
 * Encodes every part.
 * @throws {DataError} On an id outside the vocabulary, or a text the tokenizer cannot read
 */
export function encodeParts(parts: SplitCorpus, tokenizer: Tokenizer): EncodedParts {
  const { vocabularySize } = tokenizer;
  const encode = (name: PartName): Int32Array<ArrayBuffer> | null => {
    const part = parts[name];
    if (part === null) return null;
    const ids = tokenizer.encodePart(part);
    expectIds(ids, { vocabularySize, what: `the ${name} part` });
    return ids;
  };
  const [train, valid, test] = PART_NAMES.map(encode);
  return { tokenizer, train: train!, valid: valid!, test }; // only a test part may be missing
}
