import type { CorpusDocument } from "./corpus.ts";

const NEWLINE = 0x0a;
const encoder = new TextEncoder();

/** Orders texts by their UTF-8 bytes, which no locale changes. */
export function compareBytewise(a: string, b: string): number {
  const x = encoder.encode(a);
  const y = encoder.encode(b);
  const common = Math.min(x.length, y.length);
  for (let i = 0; i < common; i++) {
    if (x[i] !== y[i]) return x[i] - y[i];
  }
  return x.length - y.length;
}

/** A file's name and content. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Joins files into one text: in byte-wise name order, each without its trailing newlines and
 * followed by two. A document reaches up to and including its two newlines.
 */
export function assembleText(
  files: readonly NamedBytes[],
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly documents: readonly CorpusDocument[] } {
  const sorted = [...files].sort((a, b) => compareBytewise(a.name, b.name));
  const lengths = sorted.map((file) => lengthWithoutTrailingNewlines(file.bytes));
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length + 2, 0));
  const documents: CorpusDocument[] = [];
  let start = 0;
  for (const [i, file] of sorted.entries()) {
    const end = start + lengths[i] + 2;
    bytes.set(file.bytes.subarray(0, lengths[i]), start);
    bytes.fill(NEWLINE, end - 2, end);
    documents.push({ name: file.name, start, end });
    start = end;
  }
  return { bytes, documents };
}

function lengthWithoutTrailingNewlines(bytes: Uint8Array): number {
  let length = bytes.length;
  while (length > 0 && bytes[length - 1] === NEWLINE) length--;
  return length;
}
