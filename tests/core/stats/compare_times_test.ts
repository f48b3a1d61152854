import { assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { compareFamily } from "../../../core/stats/compare_family.ts";
import { compareTimes, type TimedArm } from "../../../core/stats/compare_times.ts";
import { assertClose } from "./_assert_close.ts";

const NEAR = { relative: 1e-12 };

function arm(name: string, times: readonly (number | null)[]): TimedArm {
  return { name, values: times.map((value, index) => ({ seed: 42 + index, value })) };
}

const A = [181.5, 190.25, 176, 201, 188.75, 170.5, 195, 183.25];
const B = [199, 205.5, 171.25, 214, 203, 189.5, 190.75, 207];

Deno.test("compareTimes() agrees with SciPy on log ratios, eight pairs", () => {
  // scipy 1.17.1: d = np.log(a / b); stats.gmean(a / b) → 0.941442542830629;
  // np.exp(stats.t.interval(.95, 7, loc=d.mean(), scale=stats.sem(d))) → 0.8985643529324607, 0.9863668178677674
  // (.9: 0.9069293615624973, 0.9772691226187896);
  // sum(abs((np.array(s) * d).sum()) >= abs(d.sum()) - 1e-12 for s in itertools.product([1, -1], repeat=8)) → 8 of 256
  const actual = compareTimes(arm("bump", A), arm("none", B));
  if (actual.kind !== "ratio") throw new Error(actual.kind);
  assertClose(["ratio", actual.ratio], 0.941442542830629, NEAR);
  assertClose(["low", actual.low], 0.8985643529324607, NEAR);
  assertClose(["high", actual.high], 0.9863668178677674, NEAR);
  assertEquals([actual.pExact, actual.floor, actual.test], [8 / 256, 2 / 256, "sign-flip"]);
  assertEquals([actual.n, actual.level, actual.censoredPairs], [8, 0.95, 0]);
  assertEquals([actual.earlierA, actual.earlierB], [6, 2]);
  const narrow = compareTimes(arm("bump", A), arm("none", B), { level: 0.9 });
  if (narrow.kind !== "ratio") throw new Error(narrow.kind);
  assertClose(["low", narrow.low], 0.9069293615624973, NEAR);
  assertClose(["high", narrow.high], 0.9772691226187896, NEAR);
});

Deno.test("compareTimes() inverts ratio and interval, arms exchanged", () => {
  const [forward, back] = [
    compareTimes(arm("a", A), arm("b", B)),
    compareTimes(arm("b", B), arm("a", A)),
  ];
  if (forward.kind !== "ratio" || back.kind !== "ratio") throw new Error("kind");
  assertClose(["ratio", back.ratio], 1 / forward.ratio, NEAR);
  assertClose(["low", back.low], 1 / forward.high, NEAR);
  assertEquals([back.pExact, back.earlierA], [forward.pExact, forward.earlierB]);
});

Deno.test("compareTimes() gives no ratio but a sign test, censored runs", () => {
  // scipy 1.17.1: stats.binomtest(1, 8).pvalue → 0.0703125: A is first in 7 pairs, B in the second.
  const a = arm("a", [10, 30, 10, 10, 10, 10, 10, 10]);
  const actual = compareTimes(a, arm("b", [20, 20, null, 20, null, 20, 20, 20]));
  const { kind, ...fields } = actual;
  assertEquals(kind, "no-ratio");
  assertEquals([fields.censoredPairs, fields.censoredA, fields.censoredB], [2, 0, 2]);
  assertEquals([fields.earlierA, fields.earlierB], [7, 1]);
  assertEquals([fields.pExact, fields.floor, fields.test], [0.0703125, 2 / 256, "sign"]);
  assertEquals(fields.valuesB[2], null);
  assertEquals(Object.keys(fields).includes("ratio"), false);
});

Deno.test("compareTimes() counts pairs where both are censored on neither side", () => {
  // scipy 1.17.1: stats.binomtest(0, 6).pvalue → 0.03125, of the six pairs that tell an order.
  const actual = compareTimes(
    arm("a", [null, null, null, null, null, null, null, null]),
    arm("b", [5, 6, 7, 8, 9, 10, null, null]),
  );
  assertEquals([actual.censoredPairs, actual.censoredA, actual.censoredB], [8, 8, 2]);
  assertEquals([actual.earlierA, actual.earlierB, actual.pExact], [0, 6, 0.03125]);
  assertEquals(actual.floor, 0.03125); // six pairs on one side, as above: nothing smaller
  const none = compareTimes(arm("a", [null, null, null]), arm("b", [null, null, null]));
  assertEquals([none.kind, none.pExact, none.earlierA, none.earlierB], ["no-ratio", 1, 0, 0]);
});

Deno.test("compareTimes() does not depend on how long a censored pair took", () => {
  const other = arm("b", [20, 20, null, 20]);
  const [fast, slow] = [[1, 2, 3, 4], [19, 18, 1e6, 15]].map((times) =>
    compareTimes(arm("a", times), other)
  );
  assertEquals([fast.pExact, fast.earlierA], [slow.pExact, slow.earlierA]);
});

Deno.test("compareTimes() names the cases without ratio or interval", () => {
  const zero = compareTimes(arm("a", [0, 2, 3]), arm("b", [4, 5, 6]));
  assertEquals([zero.kind, "reason" in zero && zero.reason], ["no-ratio", "zero-time"]);
  assertEquals([zero.pExact, zero.earlierA, zero.censoredPairs], [2 / 8, 3, 0]);
  const single = compareTimes(arm("a", [2]), arm("b", [4]));
  if (single.kind !== "lone-ratio") throw new Error(single.kind);
  assertEquals([single.reason, single.ratio, single.pExact], ["single-pair", 0.5, 1]);
  const same = compareTimes(arm("a", [2, 3, 4]), arm("b", [4, 6, 8]));
  if (same.kind !== "lone-ratio") throw new Error(same.kind);
  assertEquals(same.reason, "constant-differences");
  assertClose(["ratio", same.ratio], 0.5, NEAR);
});

Deno.test("compareTimes() pairs by seed, arms in different orders", () => {
  const a = { name: "a", values: [{ seed: 43, value: null }, { seed: 42, value: 1 }] };
  const actual = compareTimes(a, arm("b", [2, 3]));
  assertEquals([actual.seeds, actual.valuesA, actual.valuesB], [[42, 43], [1, null], [2, 3]]);
});

Deno.test("compareTimes() throws, times below 0 or not finite, and seeds that do not match", () => {
  const two = arm("two", [1, 2]);
  assertThrows(() => compareTimes(two, arm("b", [1, -1])), UsageError, "at seed 43");
  assertThrows(() => compareTimes(two, arm("b", [1, NaN])), NumericError, "seed 43");
  assertThrows(() => compareTimes(two, arm("b", [1, Infinity])), NumericError, "seed 43");
  assertThrows(() => compareTimes(two, arm("b", [1, null, null])), UsageError, "for seed 44");
});

Deno.test("compareFamily() adjusts times as it does losses", () => {
  // Holm by hand: 3 * 2/256, then 2 * 8/256, then 1.
  const atFloor = compareTimes(arm("a", A), arm("b", A.map((time, i) => time * (1.1 + i / 100))));
  const some = compareTimes(arm("a", A), arm("b", B));
  const none = compareTimes(arm("a", [null, null]), arm("b", [null, null]));
  const family = compareFamily([some, none, atFloor]);
  assertEquals(family.map(({ pHolm }) => pHolm), [16 / 256, 1, 6 / 256]);
  assertEquals(family.map(({ feasible }) => feasible), [true, false, true]);
});

Deno.test("compareFamily() knows that ties keep a test from passing, by hand", () => {
  // Of eight pairs `order` tell one: floors 1, 2/4, 2/64, 2/128, 2/256. In a family of two at 0.05 the larger p need
  // only pass 0.05: 2/64 passes beside 2/256, but not beside another 2/64.
  const tied = (order: number) =>
    compareTimes(
      arm("a", Array(8).fill(null)),
      arm("b", Array.from({ length: 8 }, (_, i) => i < order ? 5 : null)),
    );
  const feasible = (...orders: readonly number[]) =>
    compareFamily(orders.map(tied)).map((member) => member.feasible);
  assertEquals([0, 1, 2, 6, 7, 8].map((order) => tied(order).floor), [
    1,
    1,
    0.5,
    2 / 64,
    2 / 128,
    2 / 256,
  ]);
  assertEquals(feasible(0, 1), [false, false]);
  assertEquals(feasible(6, 6), [false, false]);
  assertEquals(feasible(8, 6), [true, true]);
  assertEquals(feasible(7, 2), [true, false]);
});
