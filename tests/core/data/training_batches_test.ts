import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { trainingBatches } from "../../../core/data/training_batches.ts";
import { DataError } from "../../../core/errors.ts";
// python3 tests/golden/batches.py > tests/golden/batches.json
import golden from "../../golden/batches.json" with { type: "json" };

/** Ids that equal their position, so that a batch shows where it was cut. */
function positions(length: number): Int32Array {
  return Int32Array.from({ length }, (_, i) => i);
}

Deno.test("trainingBatches() begins windows where the Python definition does", () => {
  for (const { tokens, steps, starts, ...options } of golden) {
    const batches = trainingBatches(positions(tokens), options);
    assertEquals(steps.map(batches.startsAt), starts);
  }
});

Deno.test("trainingBatches() gives targets one token after the tokens", () => {
  const { tokens, targets } = trainingBatches(positions(1000), {
    seqLen: 16,
    batchSize: 4,
    seed: 42,
  }).at(3);
  assertEquals(tokens.length, 64);
  assertEquals(targets, tokens.map((id) => id + 1));
  assertEquals([...tokens.subarray(0, 16)].map((id) => id - tokens[0]), [...Array(16).keys()]);
});

Deno.test("trainingBatches() sees every token of an epoch once, windows disjoint", () => {
  const seqLen = 16;
  const batches = trainingBatches(positions(1000), { seqLen, batchSize: 1, seed: 5 });
  assertEquals(batches.windowsPerEpoch, 61); // floor(1000 / 16) - 1
  for (const epoch of [0, 1]) {
    const seen: number[] = [];
    for (let w = 0; w < 61; w++) seen.push(...batches.at(epoch * 61 + w).tokens);
    seen.sort((a, b) => a - b);
    assertEquals(seen.map((id) => id - seen[0]), [...Array(61 * seqLen).keys()]);
    if (!(seen[0] < seqLen)) throw new Error(`Offset ${seen[0]} is not below ${seqLen}`);
  }
});

Deno.test("trainingBatches() orders epochs and seeds differently", () => {
  const order = (seed: number, epoch: number): readonly number[] => {
    const batches = trainingBatches(positions(1000), { seqLen: 10, batchSize: 99, seed });
    return batches.startsAt(epoch);
  };
  assertEquals(order(1, 0), order(1, 0));
  assertNotEquals(order(1, 0), order(1, 1));
  assertNotEquals(order(1, 0), order(2, 0));
});

Deno.test("trainingBatches() reaches step 900 without the steps before it", () => {
  const options = { seqLen: 16, batchSize: 4, seed: 42 };
  const walked = trainingBatches(positions(1000), options);
  for (let step = 0; step < 900; step++) walked.startsAt(step);
  assertEquals(trainingBatches(positions(1000), options).at(900), walked.at(900));
});

Deno.test("trainingBatches() shows two lengths the same tokens per update at equal blocks", () => {
  const batchesOf = (seqLen: number, batchSize: number) =>
    trainingBatches(positions(10_000), { seqLen, batchSize, seed: 3, blockLength: 128 });
  const short = batchesOf(32, 8);
  const long = batchesOf(128, 2);
  // 128-token blocks: 77 per epoch, two per update; update 38 spans two epochs.
  for (const step of [0, 1, 38, 500]) {
    assertEquals(short.at(step).tokens, long.at(step).tokens);
    assertEquals(short.at(step).targets, long.at(step).targets);
  }
});

Deno.test("trainingBatches() refuses short texts and sizes that do not fit", () => {
  const cut = (length: number, options: object) => () =>
    trainingBatches(positions(length), { seqLen: 16, batchSize: 1, seed: 0, ...options });
  assertThrows(cut(31, {}), DataError, "expected at least 32 tokens for blocks of 16, got 31");
  assertEquals(cut(32, {})().windowsPerEpoch, 1);
  assertThrows(cut(100, { seqLen: 0 }), RangeError, "seqLen >= 1, got 0");
  assertThrows(cut(100, { batchSize: 1.5 }), RangeError, "batchSize >= 1, got 1.5");
  assertThrows(cut(100, { blockLength: 24 }), RangeError, "a multiple of seqLen");
});
