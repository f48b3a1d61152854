import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { ASK, recallTask, shortestRecall, STORE } from "../../../core/data/recall.ts";
import { DataError } from "../../../core/errors.ts";

const LAGS = [1, 4, 11];
const SETTINGS = { lags: LAGS, values: 5, fillers: 3 };
const LENGTH = 20;
const IGNORED = -100;

/** Tokens and targets of each sequence of a batch. */
function rowsOf(batch: { readonly tokens: Int32Array; readonly targets: Int32Array }) {
  return Array.from({ length: batch.tokens.length / LENGTH }, (_, row) => ({
    tokens: [...batch.tokens.subarray(row * LENGTH, (row + 1) * LENGTH)],
    targets: [...batch.targets.subarray(row * LENGTH, (row + 1) * LENGTH)],
  }));
}

const TASK = recallTask(SETTINGS);
const TEST = TASK.evaluationWindows({ seqLen: LENGTH, evalTokens: 4000 * LENGTH });

Deno.test("recallTask() asks for the one value exactly lag tokens behind it, every sequence", () => {
  for (const { tokens, targets } of rowsOf(TEST)) {
    const store = tokens.indexOf(STORE);
    assertEquals(tokens.lastIndexOf(STORE), store);
    const value = tokens[store + 1];
    assert(value >= 2 && value < 7, `${value} is no value`);
    const asked = tokens.flatMap((token, i) => token === ASK ? [i - (store + 1)] : []);
    assertEquals(asked, LAGS);
    const labelled = targets.flatMap((target, i) => target === IGNORED ? [] : [[i, target]]);
    assertEquals(labelled, LAGS.map((lag) => [store + 1 + lag, value]));
    // What stands elsewhere is a filler, so that no answer is ever to be seen.
    const others = tokens.filter((token, i) => token !== ASK && i !== store && i !== store + 1);
    assert(others.every((token) => token >= 7 && token < 10));
  }
});

Deno.test("recallTask() draws values, fillers and places uniformly and apart from each other", () => {
  const rows = rowsOf(TEST);
  const counts = (items: readonly number[], n: number, first: number): number[] =>
    Array.from({ length: n }, (_, k) => items.filter((item) => item === first + k).length);
  // Pearson's statistic, below the 99.99 % quantile of chi-square:
  // scipy.stats.chi2.ppf(0.9999, [4, 2, 7, 39]) = [23.51274244, 18.42068074, 29.87750391, 80.64617129]
  const statistic = (observed: readonly number[]): number => {
    const expected = observed.reduce((sum, n) => sum + n, 0) / observed.length;
    return observed.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
  };
  const stores = rows.map(({ tokens }) => tokens.indexOf(STORE));
  const values = rows.map(({ tokens }, i) => tokens[stores[i] + 1]);
  const fillers = rows.flatMap(({ tokens }) => tokens.filter((token) => token >= 7));
  const places = LENGTH - shortestRecall(SETTINGS) + 1;
  assertEquals(places, 8);
  assert(statistic(counts(values, 5, 2)) < 23.51);
  assert(statistic(counts(fillers, 3, 7)) < 18.42);
  assert(statistic(counts(stores, places, 0)) < 29.88);
  // Value and place together, 40 pairs.
  assert(statistic(counts(values.map((v, i) => (v - 2) * places + stores[i]), 40, 0)) < 80.64);
});

Deno.test("recallTask() keys training and evaluation apart, and training by seed", () => {
  const train = (seed: number) =>
    TASK.trainingBatches({ seqLen: LENGTH, batchSize: 100, seed }).at(0);
  const asText = (batch: Parameters<typeof rowsOf>[0]) =>
    rowsOf(batch).map(({ tokens }) => tokens.join(" "));
  // 3^15 sets of fillers, 5 values, 8 places: a repeat among so few has a chance of 1e-4.
  const test = new Set(asText(TEST).slice(0, 100));
  for (const seed of [0, 1, 42]) {
    assertEquals(asText(train(seed)).filter((row) => test.has(row)).length, 0);
  }
  assertNotEquals(train(0).tokens, train(1).tokens);
});

Deno.test("recallTask() makes any sequence without those before it, training and evaluation", () => {
  const batches = TASK.trainingBatches({ seqLen: LENGTH, batchSize: 6, seed: 7 });
  const single = TASK.trainingBatches({ seqLen: LENGTH, batchSize: 1, seed: 7 });
  assertEquals(rowsOf(batches.at(3)), [18, 19, 20, 21, 22, 23].map((n) => rowsOf(single.at(n))[0]));
  const few = TASK.evaluationWindows({ seqLen: LENGTH, evalTokens: 10 * LENGTH + 3 });
  assertEquals([few.windows, few.tokens], [10, TEST.tokens.slice(0, 10 * LENGTH)]);
});

Deno.test("recallTask() fills the shortest sequence and refuses a shorter one", () => {
  assertEquals(shortestRecall(SETTINGS), 13);
  const { tokens } = TASK.evaluationWindows({ seqLen: 13, evalTokens: 13 });
  assertEquals([tokens[0], tokens[12]], [STORE, ASK]);
  assertThrows(
    () => TASK.evaluationWindows({ seqLen: 12, evalTokens: 12 }),
    DataError,
    "Cannot ask for a value after 11 tokens in sequences of 12: expected seq_len >= 13",
  );
});

Deno.test("recallTask() says V, groups and the level of guessing", () => {
  const { vocabularySize, groups, chance } = TASK;
  assertEquals([vocabularySize, groups, chance], [10, ["1", "4", "11"], 0.2]);
});
