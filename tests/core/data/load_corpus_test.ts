import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { CORPORA, CORPUS_IDS } from "../../../core/data/corpora.ts";
import { loadCorpus } from "../../../core/data/load_corpus.ts";
import { DataError } from "../../../core/errors.ts";

/** Copies Moby-Dick from the package into `<temporary>/moby-dick/`, changed by `edit`. */
function withMobyDick(
  edit: (bytes: Uint8Array) => Uint8Array,
  use: (folder: string) => void,
): void {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.mkdirSync(`${folder}/moby-dick`);
    const bytes = edit(loadCorpus({ id: "moby-dick" }).bytes.slice());
    Deno.writeFileSync(`${folder}/moby-dick/data.txt`, bytes);
    use(folder);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("loadCorpus() assembles 233 addresses that end in two newlines", () => {
  const { documents, bytes, sha256 } = loadCorpus({ id: "sotu" });
  assertEquals(documents.length, 233);
  assertEquals(documents[0].name, "1790_george_washington_n.txt");
  assertEquals(sha256, CORPORA.sotu.text.sha256);
  let end = 0;
  for (const document of documents) {
    assertEquals(document.start, end);
    end = document.end;
    assertEquals([...bytes.subarray(end - 2, end)], [10, 10]);
    assertEquals(bytes[end - 3] === 10, false);
  }
  assertEquals(end, bytes.length);
});

Deno.test("loadCorpus() prefers the data folder to the package, in the order given", () => {
  withMobyDick((bytes) => bytes, (folder) => {
    const empty = Deno.makeTempDirSync();
    const origin = (dataDirs: string[]) => loadCorpus({ id: "moby-dick" }, { dataDirs }).origin;
    assertEquals(origin([folder]), `${folder}/moby-dick/data.txt`);
    assertEquals(origin([empty, `${folder}/`]), `${folder}/moby-dick/data.txt`);
    assertStringIncludes(origin([empty]), "node_modules");
    Deno.removeSync(empty);
  });
});

Deno.test("loadCorpus() refuses a corpus with one flipped bit and shows both digests", () => {
  const flip = (bytes: Uint8Array) => bytes.with(600_000, bytes[600_000] ^ 1);
  withMobyDick(flip, (folder) => {
    const error = assertThrows(
      () => loadCorpus({ id: "moby-dick" }, { dataDirs: [folder] }),
      DataError,
      'Cannot use corpus "moby-dick": its bytes are not the pinned ones',
    );
    assertEquals(error.exitCode, 2);
    assertStringIncludes(error.message, `${folder}/moby-dick/data.txt`);
    assertStringIncludes(
      error.message,
      `expected sha256: ${CORPORA["moby-dick"].text.sha256} (1204997 bytes)`,
    );
    assertEquals(/found sha256: +[0-9a-f]{64} \(1204997 bytes\)/.test(error.message), true);
    assertStringIncludes(error.message, "what to do:");
  });
});

Deno.test("loadCorpus() refuses a truncated corpus", () => {
  withMobyDick((bytes) => bytes.subarray(0, 1000), (folder) => {
    assertThrows(
      () => loadCorpus({ id: "moby-dick" }, { dataDirs: [folder] }),
      DataError,
      "(1000 bytes)",
    );
  });
});

Deno.test("loadCorpus() says where it looked for a corpus that is missing", () => {
  const folder = Deno.makeTempDirSync();
  const load = (dataDirs: string[]) => () => loadCorpus({ id: "tinyshakespeare" }, { dataDirs });
  const { message } = assertThrows(load([folder]), DataError, 'Cannot find corpus "tinysh');
  assertStringIncludes(message, `${folder}/tinyshakespeare/input.txt`);
  assertStringIncludes(message, CORPORA.tinyshakespeare.text.sha256);
  assertStringIncludes(message, "RESNET_BK_DATA");
  assertThrows(load([]), DataError, "no data folder was given");
  Deno.removeSync(folder);
  assertThrows(load([folder]), DataError, "no such folder");
});

Deno.test("loadCorpus() refuses a digest that is not the registry's", () => {
  const foreign = "0".repeat(64);
  assertThrows(() => loadCorpus({ id: "sotu", sha256: foreign }), DataError, foreign);
  const { sha256 } = CORPORA["moby-dick"].text;
  assertEquals(loadCorpus({ id: "moby-dick", sha256 }).sha256, sha256);
});

Deno.test("CORPORA has well-formed digests and parts that add up to the text", () => {
  for (const id of CORPUS_IDS) {
    const { text, splits, defaultSplit } = CORPORA[id];
    assertEquals(Object.hasOwn(splits, defaultSplit), true);
    for (const { pins } of Object.values(splits)) {
      if (pins === null) throw new Error(`Corpus "${id}" has a split without digests`);
      const parts = [pins.train, pins.valid, ...(pins.test === null ? [] : [pins.test])];
      assertEquals(parts.reduce((sum, { bytes }) => sum + bytes, 0), text.bytes);
      for (const { sha256 } of [text, ...parts]) assertEquals(/^[0-9a-f]{64}$/.test(sha256), true);
    }
  }
});
