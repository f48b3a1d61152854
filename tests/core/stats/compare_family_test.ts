import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { compareArms, type Comparison } from "../../../core/stats/compare_arms.ts";
import { compareFamily } from "../../../core/stats/compare_family.ts";

/** A comparison whose differences are these: arm b has loss 0 at every seed. */
function comparisonOf(differences: readonly number[]): Comparison {
  const arm = (name: string, losses: readonly number[]) => ({
    name,
    values: losses.map((value, index) => ({ seed: 42 + index, value })),
  });
  return Object.freeze(compareArms(arm("a", differences), arm("b", differences.map(() => 0))));
}

const upTo = (n: number) => comparisonOf(Array.from({ length: n }, (_, index) => index + 1));

Deno.test("compareFamily() adjusts exact p-values in input order, three lengths of eight seeds", () => {
  const atFloor = comparisonOf([1, 2, 3, 4, 5, 6, 7, 8]); // p = 2/256
  const oneAgainst = comparisonOf([-1, 2, 3, 4, 5, 6, 7, 8]); // only flipping the 1 is as extreme: 4/256
  const none = comparisonOf([1, -1, 2, -2, 3, -3, 4, -4]); // p = 1
  const family = compareFamily(Object.freeze([none, oneAgainst, atFloor]));
  assertEquals(family.map(({ pExact }) => pExact), [1, 4 / 256, 2 / 256]);
  assertEquals(family.map(({ pHolm }) => pHolm), [1, 8 / 256, 6 / 256]);
  assertEquals(family.map(({ hypotheses, alpha }) => [hypotheses, alpha]), [
    [3, 0.05],
    [3, 0.05],
    [3, 0.05],
  ]);
});

Deno.test("compareFamily() finds the seeds a family needs, one to twenty hypotheses at 0.05", () => {
  // 2 / 2^n <= 0.05 / m needs n = 6 / 7 / 7 / 8 / 9 / 10 at m = 1 / 2 / 3 / 5 / 10 / 20.
  const needed = [[1, 6], [2, 7], [3, 7], [5, 8], [10, 9], [20, 10]];
  for (const [m, n] of needed) {
    const feasible = (seeds: number) =>
      compareFamily(Array.from({ length: m }, () => upTo(seeds))).map((one) => one.feasible);
    assertEquals(feasible(n), new Array(m).fill(true), `${m} hypotheses, ${n} seeds`);
    assertEquals(feasible(n - 1), new Array(m).fill(false), `${m} hypotheses, ${n - 1} seeds`);
  }
});

Deno.test("compareFamily() is feasible at equality, alpha of exactly floor times m", () => {
  const two = [upTo(5), upTo(5)];
  assertEquals(compareFamily(two, { alpha: 0.125 }).map((one) => one.feasible), [true, true]);
  assertEquals(compareFamily(two, { alpha: 0.12 }).map((one) => one.feasible), [false, false]);
});

Deno.test("compareFamily() judges each member by its own seeds, mixed sizes and a single pair", () => {
  const family = compareFamily([upTo(8), upTo(1), upTo(6)]);
  assertEquals(family.map((one) => one.feasible), [true, false, false]);
  assertEquals(family.map((one) => one.kind), ["estimated", "degenerate", "estimated"]);
  assertEquals(family.map((one) => one.pHolm), [6 / 256, 1, 4 / 64]);
});

Deno.test("compareFamily() is empty, no comparisons", () => {
  assertEquals(compareFamily([]), []);
});

Deno.test("compareFamily() throws, alpha outside (0, 1)", () => {
  for (const alpha of [0, 1, NaN]) {
    assertThrows(() => compareFamily([upTo(3)], { alpha }), UsageError, `got "${alpha}"`);
  }
});
