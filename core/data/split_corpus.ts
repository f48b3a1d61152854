import { DataError } from "../errors.ts";
import { sha256Hex } from "../random/sha256.ts";
import type { Pin, SplitRule } from "./corpora.ts";
import type { Corpus } from "./corpus.ts";
import { verifyDigest } from "./verify_digest.ts";

/** Names of the parts, in order. */
export const PART_NAMES = ["train", "valid", "test"] as const;

/** Name of a part. */
export type PartName = typeof PART_NAMES[number];

/** Bytes of one part with their SHA-256 (hexadecimal). */
export interface CorpusPart {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
  /** Ascending offsets behind the documents that end in the part; a cut document ends in its last part. */
  readonly documentEnds: readonly number[];
}

/** A corpus divided by one of its splits. `test` is null where the split has no test part. */
export interface SplitCorpus {
  readonly split: string;
  readonly train: CorpusPart;
  readonly valid: CorpusPart;
  readonly test: CorpusPart | null;
}

type PartText = Omit<CorpusPart, "sha256">;
type PartTexts = Readonly<Record<PartName, PartText | null>>;

/**
 * Divides a corpus by the split of that name (the corpus's default one if none is given) and
 * verifies every part's digest where the registry pins it.
 *
 * @throws {DataError} If the corpus has no such split, a part is empty or its bytes are not the
 * pinned ones.
 */
export function splitCorpus(corpus: Corpus, split: string = corpus.defaultSplit): SplitCorpus {
  if (!Object.hasOwn(corpus.splits, split)) {
    const known = Object.keys(corpus.splits).map((name) => `"${name}"`).join(", ");
    throw new DataError(
      `Cannot split corpus "${corpus.title}": it has no split "${split}", expected one of ${known}`,
    );
  }
  const { rule, pins } = corpus.splits[split];
  const texts = partTexts(corpus, rule);
  const part = (name: PartName): CorpusPart => {
    const found = texts[name];
    if (found === null || found.bytes.length === 0) throw emptyPart(corpus, name);
    return verified(found, { what: `${name} part of split "${split}"`, corpus, pin: pins?.[name] });
  };
  return {
    split,
    train: part("train"),
    valid: part("valid"),
    test: texts.test === null ? null : part("test"),
  };
}

function partTexts(corpus: Corpus, rule: SplitRule): PartTexts {
  const n = corpus.bytes.length;
  switch (rule.kind) {
    case "interleave":
      return byDocuments(corpus, (i) => i % 20 === 9 ? "valid" : i % 20 === 19 ? "test" : "train");
    case "years":
      return byDocuments(corpus, (i) => {
        const year = Number(corpus.documents[i].name.slice(0, 4));
        return year <= rule.lastTrain ? "train" : year <= rule.lastValid ? "valid" : "test";
      });
    case "lines": {
      // Integer arithmetic: 0.95 n in floating point may fall below a whole number.
      const first = afterNewline(corpus, Math.floor(n * 90 / 100));
      const second = afterNewline(corpus, Math.floor(n * 95 / 100));
      return cutAt(corpus, [first, second]);
    }
    case "bytes":
      return { ...cutAt(corpus, [Math.floor(n * 9 / 10), n]), test: null };
  }
}

function cutAt(
  { bytes, documents }: Corpus,
  [first, second]: readonly [number, number],
): PartTexts {
  const between = (start: number, end: number): PartText => ({
    bytes: bytes.subarray(start, end),
    documentEnds: documents
      .filter((document) => document.end > start && document.end <= end)
      .map((document) => document.end - start),
  });
  return {
    train: between(0, first),
    valid: between(first, second),
    test: between(second, bytes.length),
  };
}

function afterNewline({ bytes }: Corpus, from: number): number {
  const newline = bytes.indexOf(0x0a, from);
  return newline < 0 ? bytes.length : newline + 1;
}

function byDocuments(corpus: Corpus, partOf: (index: number) => PartName): PartTexts {
  const concatenated = (name: PartName): PartText => {
    const chosen = corpus.documents.filter((_, i) => partOf(i) === name);
    const bytes = new Uint8Array(chosen.reduce((sum, { start, end }) => sum + end - start, 0));
    const documentEnds: number[] = [];
    let at = 0;
    for (const { start, end } of chosen) {
      bytes.set(corpus.bytes.subarray(start, end), at);
      at += end - start;
      documentEnds.push(at);
    }
    return { bytes, documentEnds };
  };
  return {
    train: concatenated("train"),
    valid: concatenated("valid"),
    test: concatenated("test"),
  };
}

function verified(
  text: PartText,
  part: { readonly what: string; readonly corpus: Corpus; readonly pin: Pin | null | undefined },
): CorpusPart {
  const { what, corpus, pin } = part;
  if (pin === null || pin === undefined) return { ...text, sha256: sha256Hex(text.bytes) };
  const { sha256 } = verifyDigest(text.bytes, {
    what: `${what} of corpus "${corpus.id}"`,
    where: corpus.origin,
    expected: pin,
    remedy: "the text itself was verified, so this is a bug in the split rule: report it",
  });
  return { ...text, sha256 };
}

function emptyPart(corpus: Corpus, name: PartName): DataError {
  return new DataError(
    `Cannot split corpus "${corpus.title}": its ${name} part is empty, because the last 10 % of ` +
      `the text are not at least three lines; break the text into lines of moderate length`,
  );
}
