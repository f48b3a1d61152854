import { byteTokenizer } from "./byte_tokenizer.ts";
import type { Pin } from "./corpora.ts";
import type { Corpus } from "./corpus.ts";
import { countNgrams, ngramFloors } from "./ngram_floors.ts";
import type { CorpusPart, SplitCorpus } from "./split_corpus.ts";

/** Floor of one order as it is written to files. */
export interface FloorFact {
  readonly order: number;
  readonly nats_per_byte: number;
  readonly bits_per_byte: number;
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
  /** N-gram floors counted on the training part. */
  readonly floors: {
    readonly valid: readonly FloorFact[];
    readonly test: readonly FloorFact[] | null;
  };
}

/** The facts of a split corpus under the byte vocabulary, with floors of orders 1..maxOrder. */
export function datasetFacts(
  corpus: Corpus,
  options: { readonly parts: SplitCorpus; readonly maxOrder: number },
): DatasetFacts {
  const { parts, maxOrder } = options;
  const { vocabularySize, name } = byteTokenizer;
  const counts = countNgrams(parts.train.bytes, { vocabularySize, maxOrder });
  const floors = (held: CorpusPart): readonly FloorFact[] =>
    ngramFloors(held.bytes, counts).map(({ order, natsPerToken }) => ({
      order,
      nats_per_byte: natsPerToken,
      bits_per_byte: natsPerToken / Math.LN2,
    }));
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
    tokenizer: name,
    vocabulary_size: vocabularySize,
    floors: {
      valid: floors(parts.valid),
      test: parts.test === null ? null : floors(parts.test),
    },
  };
}

function pinOf(part: CorpusPart): Pin {
  return { bytes: part.bytes.length, sha256: part.sha256 };
}
