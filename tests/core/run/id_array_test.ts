import { assertEquals, assertThrows } from "@std/assert";
import { DataError } from "../../../core/errors.ts";
import { idArray } from "../../../core/run/id_array.ts";

const BYTES = { vocabularySize: 256, what: "inputIds" };

Deno.test("idArray() gives integers of the vocabulary as they are, from any array", () => {
  const ids = Int32Array.of(0, 255, 65);
  assertEquals(idArray(ids, BYTES), ids);
  assertEquals(idArray([0, 255, 65], BYTES), ids);
  assertEquals(idArray(Float64Array.of(0, 255, 65), BYTES), ids);
  assertEquals(idArray([], BYTES), new Int32Array(0));
});

Deno.test("idArray() refuses what would become another id, and names it", () => {
  // Int32Array.from(ids) of each holds ids of the vocabulary alone.
  const cases: readonly (readonly [unknown, string])[] = [
    [[1.5, 2], "got 1.5 at position 0"],
    [[2, NaN], "got NaN at position 1"],
    [[2 ** 32 + 65], "got 4294967361 at position 0"],
    [["65"], 'got "65" at position 0'],
    [["a"], 'got "a" at position 0'],
    [[null], 'got "null" at position 0'],
    [[1, , 2], 'got "undefined" at position 1'],
    [[true], 'got "true" at position 0'],
  ];
  for (const [ids, says] of cases) {
    const untyped = ids as ArrayLike<number>;
    assertEquals(Int32Array.from(untyped).every((id) => id >= 0 && id < 256), true);
    assertThrows(
      () => idArray(untyped, BYTES),
      DataError,
      `Cannot use inputIds: expected ids in 0..255 (V = 256), ${says}`,
    );
  }
  assertThrows(() => idArray([256], BYTES), DataError, "got 256 at position 0");
  assertThrows(() => idArray([-1], BYTES), DataError, "got -1 at position 0");
  const big = BigInt64Array.of(65n) as unknown as ArrayLike<number>;
  assertThrows(() => idArray(big, BYTES), DataError, 'got "65" at position 0');
});

Deno.test("idArray() refuses what is no array, and bytes, which may be those of a text", () => {
  for (const ids of ["65", undefined, null, 65, {}, new Uint8Array(2)]) {
    assertThrows(
      () => idArray(ids as unknown as ArrayLike<number>, BYTES),
      DataError,
      "Cannot use inputIds: expected an array of ids, got ",
    );
  }
});
