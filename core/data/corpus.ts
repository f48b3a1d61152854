import type { SplitSpec } from "./corpora.ts";

/** One document of a corpus: bytes start..end-1 of its text. */
export interface CorpusDocument {
  /** File name without folders, e.g. "1790_george_washington_n.txt". */
  readonly name: string;
  readonly start: number;
  readonly end: number;
}

/** A text that has been read and, where a digest was given, verified. */
export interface Corpus {
  /** Id in the registry, or "user" for a text of the user's own. */
  readonly id: string;
  readonly title: string;
  readonly licence: string;
  /** The assembled text, UTF-8. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** SHA-256 of `bytes`, hexadecimal. */
  readonly sha256: string;
  /** In text order, without gaps. A single file is one document. */
  readonly documents: readonly CorpusDocument[];
  readonly splits: Readonly<Record<string, SplitSpec>>;
  readonly defaultSplit: string;
  /** Where it was read from; for messages only, never part of a record. */
  readonly origin: string;
}
