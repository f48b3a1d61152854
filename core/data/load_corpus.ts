import { fileURLToPath } from "node:url";
import { DataError } from "../errors.ts";
import { assembleText, type NamedBytes } from "./assemble_text.ts";
import { CORPORA, type CorpusFiles, type CorpusId, type CorpusSpec } from "./corpora.ts";
import type { Corpus, CorpusDocument } from "./corpus.ts";
import { verifyDigest } from "./verify_digest.ts";

/** Where to look besides the installed package. */
export interface LoadCorpusOptions {
  /**
   * Folders searched in this order before the package; a corpus lies in `<folder>/<id>/`.
   * The command line passes `--data-dir`, then the environment's RESNET_BK_DATA.
   * @default []
   */
  readonly dataDirs?: readonly string[];
}

/** A folder that may hold a corpus; null for a package that is not installed. */
interface Place {
  readonly label: string;
  readonly folder: string | null;
}

/**
 * Reads a registered corpus and verifies its bytes. The first place that holds files of the corpus
 * is used; if their bytes are wrong no other place is tried. `sha256`, if given, is what a manifest
 * pins and must be the registry's digest.
 *
 * @throws {DataError} If the corpus is in no place, or its bytes or the given digest are not the
 * pinned ones; the message has the file, both digests, the places searched and the remedy.
 */
export function loadCorpus(
  wanted: { readonly id: CorpusId; readonly sha256?: string },
  options: LoadCorpusOptions = {},
): Corpus {
  const { id } = wanted;
  const spec: CorpusSpec = CORPORA[id];
  refuseForeignDigest(id, wanted.sha256);
  const places = placesOf(id, options.dataDirs ?? []);
  const searched: string[] = [];
  for (const { label, folder } of places) {
    searched.push(folder === null ? label : `${label}: ${folder}/${fileText(spec.files)}`);
    const files = folder === null ? [] : readFiles(folder, spec.files);
    if (folder === null || files.length === 0) continue;
    const { bytes, documents } = textOf(files, spec.files);
    const where = spec.files.kind === "single" ? `${folder}/${spec.files.name}` : folder;
    const { sha256 } = verifyDigest(bytes, {
      what: `corpus "${id}"`,
      where: `${where} (${files.length} file${files.length === 1 ? "" : "s"})`,
      expected: spec.text,
      remedy: remedyOf(id),
    });
    const { title, licence, splits, defaultSplit } = spec;
    return { id, title, licence, bytes, sha256, documents, splits, defaultSplit, origin: where };
  }
  throw notFound(id, searched);
}

function refuseForeignDigest(id: CorpusId, sha256: string | undefined): void {
  const expected = CORPORA[id].text.sha256;
  if (sha256 === undefined || sha256 === expected) return;
  throw new DataError(
    `Cannot use corpus "${id}": the digest asked for is not the one of the registry\n` +
      `  expected sha256: ${sha256}\n  found sha256:    ${expected} (core/data/corpora.ts)\n` +
      `  what to do:      correct the manifest, or use a version of the harness with that corpus`,
  );
}

function placesOf(id: CorpusId, dataDirs: readonly string[]): readonly Place[] {
  const places = dataDirs.map((dataDir) => {
    if (!isDirectory(dataDir)) {
      throw new DataError(
        `Cannot read corpora from the data folder "${dataDir}": no such folder, ` +
          `expected one with "${id}/" inside; correct --data-dir or RESNET_BK_DATA`,
      );
    }
    return { label: "data folder", folder: `${dataDir.replace(/(.)[/\\]+$/, "$1")}/${id}` };
  });
  const name = CORPORA[id].package;
  return name === null ? places : [...places, packagePlace(name)];
}

/**
 * `data/` beside the entry point's folder, `lib/`, of a package named in deno.json. The package's
 * code is never imported.
 */
function packagePlace(name: string): Place {
  const label = `package ${name}`;
  try {
    const url = import.meta.resolve(name);
    return url.startsWith("file:")
      ? { label, folder: fileURLToPath(new URL("../data", url)) }
      : { label: `${label} (not installed)`, folder: null };
  } catch (error) {
    // Resolving throws a TypeError for a name that is not installed; the search goes on to report it.
    if (!(error instanceof TypeError)) throw error;
    return { label: `${label} (not installed: ${error.message})`, folder: null };
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function readFiles(folder: string, files: CorpusFiles): readonly NamedBytes[] {
  if (!isDirectory(folder)) return [];
  const wanted = (name: string): boolean =>
    files.kind === "single" ? name === files.name : files.pattern.test(name);
  return [...Deno.readDirSync(folder)]
    .filter((entry) => wanted(entry.name))
    .map(({ name }) => ({ name, bytes: Deno.readFileSync(`${folder}/${name}`) }));
}

function textOf(files: readonly NamedBytes[], kind: CorpusFiles): {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly documents: readonly CorpusDocument[];
} {
  if (kind.kind === "folder") return assembleText(files);
  const [{ name, bytes }] = files;
  return { bytes, documents: [{ name, start: 0, end: bytes.length }] };
}

function fileText(files: CorpusFiles): string {
  return files.kind === "single" ? files.name : "*.txt";
}

function remedyOf(id: CorpusId): string {
  const { package: name, files } = CORPORA[id] as CorpusSpec;
  const own = `put the original ${
    fileText(files)
  } into <folder>/${id}/ and give --data-dir <folder>`;
  return name === null
    ? `${own} or set RESNET_BK_DATA=<folder>`
    : `restore the package with "deno install" (after removing node_modules), or ${own}`;
}

function notFound(id: CorpusId, searched: readonly string[]): DataError {
  const { files, text } = CORPORA[id] as CorpusSpec;
  const looked = searched.length === 0 ? "nowhere: no data folder was given" : searched.join("; ");
  return new DataError(
    [
      `Cannot find corpus "${id}"`,
      `  file:            ${id}/${fileText(files)}`,
      `  expected sha256: ${text.sha256} (${text.bytes} bytes)`,
      `  found sha256:    none, there is no such file`,
      `  looked in:       ${looked}`,
      `  what to do:      ${remedyOf(id)}`,
    ].join("\n"),
  );
}
