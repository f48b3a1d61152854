import { assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { compareArms } from "../../../core/stats/compare_arms.ts";
import type { Arm } from "../../../core/stats/paired_differences.ts";
import golden from "../../golden/stats_scipy.json" with { type: "json" };
import { assertClose } from "./_assert_close.ts";

const RTOL = 1e-12;

function arm(name: string, losses: readonly number[]): Arm {
  const values = losses.map((value, index) => Object.freeze({ seed: 42 + index, value }));
  return Object.freeze({ name, values: Object.freeze(values) });
}

Deno.test("compareArms() agrees with SciPy in every number, all golden pairs", () => {
  for (const { name, a, b, level, ...expected } of golden.pairs) {
    const actual = compareArms(arm("bk", a), arm("control", b), { level });
    if (actual.kind !== "estimated") throw new Error(`${name}: got ${actual.reason}`);
    const near = { relative: RTOL, absolute: RTOL * expected.sd };
    assertClose([`${name} mean`, actual.meanDifference], expected.mean, near);
    assertClose([`${name} sd`, actual.sd], expected.sd, near);
    assertClose([`${name} low`, actual.low], expected.low, near);
    assertClose([`${name} high`, actual.high], expected.high, near);
    assertClose([`${name} t`, actual.tStatistic], expected.t, { relative: RTOL, absolute: RTOL });
    assertClose([`${name} pT`, actual.pT], expected.p, { relative: RTOL });
    assertClose([`${name} dz`, actual.dz], expected.dz, { relative: RTOL, absolute: RTOL });
    assertEquals(actual.pExact, expected.p_exact, name);
    const ties = a.filter((value, i) => value === b[i]).length;
    assertEquals(actual.floor, 2 / 2 ** (expected.n - ties), name);
    assertEquals([actual.n, actual.df, actual.level], [expected.n, expected.df, level]);
  }
});

Deno.test("compareArms() carries names, seeds and joined values, arms in different orders", () => {
  const a = { name: "bk", values: [44, 42, 43].map((seed) => ({ seed, value: seed / 2 })) };
  const { kind, ...fields } = compareArms(a, arm("control", [20, 21, 23.5]));
  assertEquals(kind, "estimated");
  assertEquals(fields.a, "bk");
  assertEquals(fields.b, "control");
  assertEquals(fields.seeds, [42, 43, 44]);
  assertEquals(fields.valuesA, [21, 21.5, 22]);
  assertEquals(fields.valuesB, [20, 21, 23.5]);
  assertEquals(fields.meanDifference, 0); // 1 + 0.5 - 1.5: A minus B
});

Deno.test("compareArms() changes signs only, arms exchanged", () => {
  const [a, b] = [arm("a", [2, 2.5, 2.25, 2.75]), arm("b", [2.5, 2.25, 3, 4])];
  const [forward, backward] = [compareArms(a, b), compareArms(b, a)];
  if (forward.kind !== "estimated" || backward.kind !== "estimated") throw new Error("kind");
  assertEquals(backward.meanDifference, -forward.meanDifference);
  assertEquals([backward.low, backward.high], [-forward.high, -forward.low]);
  assertEquals([backward.pT, backward.pExact], [forward.pT, forward.pExact]);
  assertEquals(backward.dz, -forward.dz);
});

Deno.test("compareArms() is a degenerate case with its reason, too few pairs or no spread", () => {
  const cases = [
    { a: [2], b: [3], reason: "single-pair", pExact: 1 },
    { a: [2, 2], b: [3, 3.5], reason: "two-pairs", pExact: 0.5 },
    { a: [2, 2], b: [3, 3], reason: "constant-differences", pExact: 0.5 },
    { a: [2, 3, 4, 5], b: [2, 3, 4, 5], reason: "constant-differences", pExact: 1, floor: 1 },
    { a: [2, 3, 4, 5], b: [1, 2, 3, 4], reason: "constant-differences", pExact: 1 / 8 },
  ];
  for (const { a, b, reason, pExact, floor } of cases) {
    const actual = compareArms(arm("a", a), arm("b", b));
    if (actual.kind !== "degenerate") throw new Error(`Expected ${reason}, got an estimate`);
    assertEquals([actual.reason, actual.pExact, actual.n], [reason, pExact, a.length]);
    assertEquals(actual.floor, floor ?? 2 / 2 ** a.length);
    assertEquals(Object.values(actual).filter((field) => Number.isNaN(field)), []);
  }
});

Deno.test("compareArms() throws, seeds that do not match, too many, or a divergence", () => {
  const two = arm("two", [1, 2]);
  assertThrows(() => compareArms(two, arm("three", [1, 2, 3])), UsageError, "for seed 44");
  const many = arm("many", new Array(21).fill(1));
  assertThrows(() => compareArms(many, many), UsageError, "at most 20");
  assertThrows(() => compareArms(two, arm("nan", [1, NaN])), NumericError, "seed 43");
  assertThrows(() => compareArms(arm("one", [1]), arm("one", [1]), { level: 0 }), UsageError);
});
