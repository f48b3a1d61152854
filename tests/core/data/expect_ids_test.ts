import { assertThrows } from "@std/assert";
import { expectBatch, expectIds } from "../../../core/data/expect_ids.ts";
import { DataError } from "../../../core/errors.ts";

const WINDOWS = { vocabularySize: 5, what: "the windows" };

Deno.test("expectIds() takes every id of the vocabulary and refuses its neighbours", () => {
  expectIds(Int32Array.of(0, 4, 2), WINDOWS);
  expectIds(new Int32Array(0), WINDOWS);
  for (const id of [5, -1, -100, 2 ** 31 - 1]) {
    assertThrows(
      () => expectIds(Int32Array.of(1, 2, id, 9), WINDOWS),
      DataError,
      `Cannot use the windows: expected ids in 0..4 (V = 5), got ${id} at position 2`,
    );
  }
});

Deno.test("expectBatch() lets targets alone be ignored", () => {
  const good = { tokens: Int32Array.of(0, 4), targets: Int32Array.of(-100, 4) };
  expectBatch(good, WINDOWS);
  assertThrows(
    () => expectBatch({ ...good, tokens: Int32Array.of(0, -100) }, WINDOWS),
    DataError,
    "tokens of the windows: expected ids in 0..4 (V = 5), got -100 at position 1",
  );
  for (const id of [5, -1, -99]) {
    assertThrows(
      () => expectBatch({ ...good, targets: Int32Array.of(id, 0) }, WINDOWS),
      DataError,
      `targets of the windows: expected ids in 0..4 (V = 5), got ${id} at position 0`,
    );
  }
});
