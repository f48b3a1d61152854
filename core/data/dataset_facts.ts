import type { Pin } from "./corpora.ts";
import type { Corpus } from "./corpus.ts";
import type { EncodedParts } from "./encode_parts.ts";
import { countNgrams, ngramFloors, unigramLaw } from "./ngram_floors.ts";
import { type CorpusPart, PART_NAMES, type PartName, type SplitCorpus } from "./split_corpus.ts";
import { tokenizerDigest } from "./tokenizer.ts";
import { type TokenizationReport, verifyTokenization } from "./verify_tokenization.ts";

/** Floor of one order as it is written to files. */
export interface FloorFact {
  readonly order: number;
  readonly nats_per_token: number;
  /** The same per byte of the part it was computed on. */
  readonly nats_per_byte: number;
  readonly bits_per_byte: number;
}

/** What one part is under a tokenizer that has more than bytes. */
export interface PartTokens {
  readonly tokens: number;
  readonly bytes_per_token: number;
  /** Share of unknown tokens; null where nothing is unknown. */
  readonly unknown_rate: number | null;
}

/** A tokenizer's identity and its tokens per part. */
export interface TokenizationFacts {
  /** Digest of the tokenizer as it is saved. */
  readonly sha256: string;
  /** Whether bits per byte under it are a lower bound alone, as its tokens do not give the text back. */
  readonly bits_per_byte_is_lower_bound: boolean;
  readonly train: PartTokens;
  readonly valid: PartTokens;
  readonly test: PartTokens | null;
}

/** What identifies a dataset, as plain JSON: a function of the bytes alone, without any path. */
export interface DatasetFacts {
  readonly schema: "resnet-bk/dataset/v1";
  readonly id: string;
  readonly title: string;
  readonly licence: string;
  readonly documents: number;
  /** The whole assembled text. */
  readonly text: Pin;
  readonly split: string;
  readonly parts: { readonly train: Pin; readonly valid: Pin; readonly test: Pin | null };
  readonly tokenizer: string;
  readonly vocabulary_size: number;
  /** Absent for bytes, where a token is a byte. */
  readonly tokenization?: TokenizationFacts;
  /** N-gram floors counted on the training part. */
  readonly floors: {
    readonly valid: readonly FloorFact[];
    readonly test: readonly FloorFact[] | null;
  };
}

/**
 * The facts of a split and encoded corpus, with floors of orders 1..maxOrder.
 * @throws {DataError} If the tokenizer does not keep its promises on a part, see `verifyTokenization`
 */
export function datasetFacts(
  corpus: Corpus,
  options: {
    readonly parts: SplitCorpus;
    readonly encoded: EncodedParts;
    readonly maxOrder: number;
  },
): DatasetFacts {
  const { parts, encoded } = options;
  const { kind, vocabularySize } = encoded.tokenizer;
  const floors = floorsOf(options);
  return {
    schema: "resnet-bk/dataset/v1",
    id: corpus.id,
    title: corpus.title,
    licence: corpus.licence,
    documents: corpus.documents.length,
    text: pinOf(corpus),
    split: parts.split,
    parts: {
      train: pinOf(parts.train),
      valid: pinOf(parts.valid),
      test: parts.test === null ? null : pinOf(parts.test),
    },
    tokenizer: kind,
    vocabulary_size: vocabularySize,
    ...(kind === "byte" ? {} : { tokenization: tokenizationFacts(options) }),
    floors: { valid: floors("valid")!, test: floors("test") }, // only a test part may be missing
  };
}

interface Sources {
  readonly parts: SplitCorpus;
  readonly encoded: EncodedParts;
}

function floorsOf(
  { parts, encoded, maxOrder }: Sources & { readonly maxOrder: number },
): (name: "valid" | "test") => readonly FloorFact[] | null {
  const { kind, vocabularySize } = encoded.tokenizer;
  const counts = countNgrams(encoded.train, { vocabularySize, maxOrder });
  return (name) => {
    const ids = encoded[name];
    const part = parts[name];
    if (ids === null || part === null) return null;
    const perByte = ids.length / part.bytes.length;
    return ngramFloors(ids, counts, { unigram: unigramLaw(kind) }).map((
      { order, natsPerToken },
    ) => ({
      order,
      nats_per_token: natsPerToken,
      nats_per_byte: natsPerToken * perByte,
      bits_per_byte: natsPerToken * perByte / Math.LN2,
    }));
  };
}

function tokenizationFacts({ parts, encoded }: Sources): TokenizationFacts {
  const { tokenizer } = encoded;
  const partTokens = (name: PartName): PartTokens | null => {
    const part = parts[name];
    const ids = encoded[name];
    if (part === null || ids === null) return null;
    return tokensOf(verifyTokenization(tokenizer, { ...part, ids }));
  };
  const [train, valid, test] = PART_NAMES.map(partTokens);
  return {
    sha256: tokenizerDigest(tokenizer),
    bits_per_byte_is_lower_bound: !tokenizer.lossless,
    train: train!,
    valid: valid!,
    test,
  };
}

function tokensOf({ tokens, bytes, unknownRate }: TokenizationReport): PartTokens {
  return { tokens, bytes_per_token: bytes / tokens, unknown_rate: unknownRate };
}

function pinOf(part: Pick<CorpusPart, "bytes" | "sha256">): Pin {
  return { bytes: part.bytes.length, sha256: part.sha256 };
}
