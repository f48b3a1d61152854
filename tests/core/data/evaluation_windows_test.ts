import { assertEquals, assertThrows } from "@std/assert";
import { evaluationWindows } from "../../../core/data/evaluation_windows.ts";
import { DataError } from "../../../core/errors.ts";

const IDS = Int32Array.from({ length: 101 }, (_, i) => i);

Deno.test("evaluationWindows() cuts the first windows in text order", () => {
  const { windows, tokens, targets } = evaluationWindows(IDS, { seqLen: 8, evalTokens: 100 });
  assertEquals(windows, 12);
  assertEquals([...tokens], [...Array(96).keys()]);
  assertEquals([...targets], [...Array(96).keys()].map((i) => i + 1));
});

Deno.test("evaluationWindows() scores the same tokens at lengths that divide evalTokens", () => {
  const targets = [4, 20, 50, 100].map((seqLen) =>
    evaluationWindows(IDS, { seqLen, evalTokens: 100 }).targets
  );
  for (const other of targets) assertEquals(other, targets[0]);
});

Deno.test("evaluationWindows() needs one token after the last window", () => {
  const cut = (length: number) =>
    evaluationWindows(IDS.subarray(0, length), { seqLen: 50, evalTokens: 100 });
  assertEquals(cut(101).windows, 2);
  assertThrows(() => cut(100), DataError, "at least 101 tokens, got 100");
});

Deno.test("evaluationWindows() refuses sizes that score nothing", () => {
  for (const [seqLen, evalTokens] of [[0, 10], [1.5, 10], [11, 10], [1, NaN]]) {
    assertThrows(() => evaluationWindows(IDS, { seqLen, evalTokens }), RangeError, "seqLen");
  }
});
