import { basename } from "node:path";
import { DataError } from "../errors.ts";
import { sha256Hex } from "../random/sha256.ts";
import { assembleText, type NamedBytes } from "./assemble_text.ts";
import type { SplitSpec } from "./corpora.ts";
import type { Corpus } from "./corpus.ts";
import { verifyDigest } from "./verify_digest.ts";

/** A text shorter than this has a validation part of fewer than about 200 bytes. */
export const MINIMUM_USER_BYTES = 4096;
/** From this many documents on a folder is split by documents: 20 give at least one to each part. */
export const MINIMUM_DOCUMENTS = 20;

const NEWLINE = 0x0a;

/** What a manifest may know about the text already. */
export interface LoadUserCorpusOptions {
  /** Digest of the assembled text found at first use, hexadecimal. */
  readonly sha256?: string;
}

/**
 * Reads a user's own text: one file, or the `.txt` files directly in a folder, assembled as
 * {@link assembleText} says. The digest in the result identifies it from then on: a manifest keeps
 * it and passes it back, and other bytes are refused.
 *
 * A file, or a folder of fewer than 20 documents, is cut 90/5/5 at line ends; a larger folder is
 * split by documents (i % 20 = 9 validation, 19 test).
 *
 * @throws {DataError} If the path is missing or holds no text, a file is empty or not UTF-8, the
 * text is shorter than 4096 bytes, or its digest is not the one given.
 */
export function loadUserCorpus(path: string, options: LoadUserCorpusOptions = {}): Corpus {
  const isFolder = statOf(path).isDirectory;
  const files = isFolder ? textFilesIn(path) : [readText(path)];
  const { bytes, documents } = isFolder ? assembleText(files) : {
    bytes: files[0].bytes,
    documents: [{ name: files[0].name, start: 0, end: files[0].bytes.length }],
  };
  if (bytes.length < MINIMUM_USER_BYTES) {
    throw new DataError(
      `Cannot use corpus "${path}": too small, expected at least ${MINIMUM_USER_BYTES} bytes, ` +
        `got ${bytes.length}; give a longer text`,
    );
  }
  const sha256 = options.sha256 ?? sha256Hex(bytes);
  verifyDigest(bytes, {
    what: `corpus "${path}"`,
    where: isFolder ? `${path} (${files.length} files)` : path,
    expected: { sha256, bytes: null },
    remedy: "restore the text that was used first, or start a new experiment that pins the new one",
  });
  const name = isFolder && documents.length >= MINIMUM_DOCUMENTS ? "interleave" : "lines";
  const split: SplitSpec = { rule: { kind: name }, pins: null };
  return {
    id: "user",
    title: basename(path),
    licence: "the user's own",
    bytes,
    sha256,
    documents,
    splits: { [name]: split },
    defaultSplit: name,
    origin: path,
  };
}

function statOf(path: string): Deno.FileInfo {
  try {
    return Deno.statSync(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new DataError(
      `Cannot find corpus "${path}": no such file or folder; ` +
        `expected a UTF-8 text file or a folder of .txt files`,
      { cause },
    );
  }
}

function textFilesIn(folder: string): readonly NamedBytes[] {
  const names = [...Deno.readDirSync(folder)]
    .filter((entry) => !entry.isDirectory && entry.name.endsWith(".txt"))
    .map((entry) => entry.name);
  if (names.length === 0) {
    throw new DataError(
      `Cannot use corpus "${folder}": expected .txt files directly in the folder, got none`,
    );
  }
  return names.map((name) => readText(`${folder}/${name}`));
}

function readText(path: string): NamedBytes {
  const bytes = Deno.readFileSync(path);
  if (bytes.every((byte) => byte === NEWLINE)) {
    throw new DataError(`Cannot use corpus file "${path}": it is empty; remove it or fill it`);
  }
  refuseOtherEncodings(path, bytes);
  return { name: basename(path), bytes };
}

/** Line by line, since a newline byte is never part of a longer UTF-8 sequence. */
function refuseOtherEncodings(path: string, bytes: Uint8Array): void {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for (let start = 0, line = 1; start < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline < 0 ? bytes.length : newline + 1;
    try {
      decoder.decode(bytes.subarray(start, end));
    } catch (cause) {
      throw new DataError(
        `Cannot use corpus file "${path}": expected UTF-8 text, got other bytes in line ${line} ` +
          `(bytes ${start} to ${end - 1}); convert the file, e.g. with iconv -t UTF-8`,
        { cause },
      );
    }
    start = end;
  }
}
