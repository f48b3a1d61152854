import { assert, assertEquals, assertThrows } from "@std/assert";
import { loadCorpus } from "../../../core/data/load_corpus.ts";
import { countNgrams, ngramFloors } from "../../../core/data/ngram_floors.ts";
import { splitCorpus } from "../../../core/data/split_corpus.ts";
import { DataError } from "../../../core/errors.ts";
// python3 tests/golden/corpora.py > tests/golden/corpora.json
import golden from "../../golden/corpora.json" with { type: "json" };

/** Two summations of 60,000 to 500,000 logarithms in different orders; measured 2e-12. */
const ATOL = 1e-10;

function floorsOf(id: "sotu" | "moby-dick", maxOrder: number): Record<"valid" | "test", number[]> {
  const parts = splitCorpus(loadCorpus({ id }));
  const counts = countNgrams(parts.train.bytes, { vocabularySize: 256, maxOrder });
  const of = (bytes: Uint8Array) => ngramFloors(bytes, counts).map((floor) => floor.natsPerToken);
  return { valid: of(parts.valid.bytes), test: of(parts.test!.bytes) };
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assertEquals(actual.length, expected.length);
  for (const [k, value] of actual.entries()) {
    assert(Math.abs(value - expected[k]) <= ATOL, `order ${k + 1}: ${value} vs ${expected[k]}`);
  }
}

Deno.test("ngramFloors() agrees with the numpy counts on Moby-Dick, orders 1 to 6", () => {
  const { valid, test } = floorsOf("moby-dick", 6);
  assertClose(valid, golden["moby-dick"].cut.floors.valid);
  assertClose(test, golden["moby-dick"].cut.floors.test);
});

Deno.test("ngramFloors() agrees with the numpy counts on sotu, orders 1 and 2", () => {
  const { valid, test } = floorsOf("sotu", 2);
  assertClose(valid, golden.sotu.interleave.floors.valid.slice(0, 2));
  assertClose(test, golden.sotu.interleave.floors.test.slice(0, 2));
});

Deno.test("ngramFloors() follows the Witten-Bell formula, worked by hand", () => {
  // Train "aab", V = 4. Order 1: c(a) = 2, c(b) = 1, T = 2, N = 3, p_0 = 1/4.
  const p1 = { a: (2 + 2 / 4) / 5, b: (1 + 2 / 4) / 5, c: (2 / 4) / 5 };
  // Order 2: after a stand a and b once each; after b nothing, so it falls to order 1.
  const p2 = { aa: (1 + 2 * p1.a) / 4, ac: (2 * p1.c) / 4 };
  const counts = countNgrams(Int32Array.of(0, 0, 1), { vocabularySize: 4, maxOrder: 2 });
  // Held out "aacb": a without context, a after a, c after a, b after the unseen c.
  const [one, two] = ngramFloors(Int32Array.of(0, 0, 2, 1), counts);
  const logs = (...ps: number[]) => -ps.reduce((sum, p) => sum + Math.log(p), 0) / 4;
  assert(Math.abs(one.natsPerToken - logs(p1.a, p1.a, p1.c, p1.b)) <= 1e-15);
  assert(Math.abs(two.natsPerToken - logs(p1.a, p2.aa, p2.ac, p1.b)) <= 1e-15);
});

Deno.test("ngramFloors() of an add-one unigram, worked by hand", () => {
  // The same text: p_1(w) = (c(w) + 1) / (N + V) with N = 3, V = 4; order 2 mixes it as before.
  const p1 = { a: 3 / 7, b: 2 / 7, c: 1 / 7 };
  const p2 = { aa: (1 + 2 * p1.a) / 4, ac: (2 * p1.c) / 4 };
  const counts = countNgrams(Int32Array.of(0, 0, 1), { vocabularySize: 4, maxOrder: 2 });
  const [one, two] = ngramFloors(Int32Array.of(0, 0, 2, 1), counts, { unigram: "add-one" });
  const logs = (...ps: number[]) => -ps.reduce((sum, p) => sum + Math.log(p), 0) / 4;
  assert(Math.abs(one.natsPerToken - logs(p1.a, p1.a, p1.c, p1.b)) <= 1e-15);
  assert(Math.abs(two.natsPerToken - logs(p1.a, p2.aa, p2.ac, p1.b)) <= 1e-15);
});

Deno.test("ngramFloors() gives ln V for any text when nothing was counted", () => {
  const counts = countNgrams(new Int32Array(0), { vocabularySize: 65, maxOrder: 3 });
  for (const { natsPerToken } of ngramFloors(Int32Array.of(1, 2, 64), counts)) {
    assert(Math.abs(natsPerToken - 4.174387269895637) <= 1e-14); // ln 65
  }
});

Deno.test("ngramFloors() refuses foreign ids, empty texts and orders beyond 6", () => {
  const options = { vocabularySize: 4, maxOrder: 2 };
  const counts = countNgrams(Int32Array.of(0), options);
  assertThrows(() => ngramFloors(new Int32Array(0), counts), DataError, "empty");
  assertThrows(() => ngramFloors(Int32Array.of(4), counts), RangeError, "token 4");
  assertThrows(() => countNgrams(Int32Array.of(-1), options), RangeError, "token -1");
  for (const maxOrder of [0, 7, 1.5]) {
    assertThrows(() => countNgrams(Int32Array.of(0), { ...options, maxOrder }), RangeError);
  }
});
