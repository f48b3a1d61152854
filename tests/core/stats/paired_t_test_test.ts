import { assert, assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { pairedTTest } from "../../../core/stats/paired_t_test.ts";
import fromR from "../../golden/stats_r.json" with { type: "json" };
import fromScipy from "../../golden/stats_scipy.json" with { type: "json" };
import { assertClose } from "./_assert_close.ts";
import { mulberry32, normalSample } from "./_random_sample.ts";

const RTOL = 1e-12; // the oracles' own quantiles and p-values agree to some 1e-13

function tested(differences: readonly number[], level?: number) {
  const result = pairedTTest(differences, level === undefined ? {} : { level });
  if (result.kind !== "tested") throw new Error(`Expected a test, got ${result.reason}`);
  return result;
}

Deno.test("pairedTTest() gives the tabulated values, one to five", () => {
  const { t, df, p } = tested(Object.freeze([1, 2, 3, 4, 5]));
  assertClose(["t", t], 4.2426, { relative: 0, absolute: 5e-5 });
  assertEquals(df, 4);
  assertClose(["p", p], 0.01324, { relative: 0, absolute: 5e-6 });
});

Deno.test("pairedTTest() agrees with SciPy and R, all golden pairs", () => {
  const pairs = [...fromScipy.pairs, ...fromR.pairs.map((pair) => ({ ...pair, level: 0.95 }))];
  for (const { name, a, b, level, ...expected } of pairs) {
    const actual = tested(Object.freeze(a.map((value, index) => value - b[index])), level);
    assertEquals([actual.n, actual.df, actual.level], [a.length, expected.df, level]);
    assertClose([`${name} t`, actual.t], expected.t, { relative: RTOL, absolute: RTOL });
    assertClose([`${name} p`, actual.p], expected.p, { relative: RTOL });
    const options = { relative: RTOL, absolute: RTOL * expected.sd };
    for (const key of ["mean", "sd", "low", "high"] as const) {
      assertClose([`${name} ${key}`, actual[key]], expected[key], options);
    }
  }
});

Deno.test("pairedTTest() is a named case, one difference", () => {
  const expected = { kind: "untestable", reason: "single-pair", n: 1, mean: -0.25 } as const;
  assertEquals(pairedTTest([-0.25]), expected);
});

Deno.test("pairedTTest() is a named case, differences equal exactly or but for rounding", () => {
  const reason = "constant-differences";
  assertEquals(pairedTTest([0, 0, 0]), { kind: "untestable", reason, n: 3, mean: 0 });
  assertEquals(pairedTTest([0.5, 0.5]), { kind: "untestable", reason, n: 2, mean: 0.5 });
  const rounded = pairedTTest([2.31 - 2.21, 1.51 - 1.41, 0.1]);
  assertEquals([rounded.kind, rounded.n], ["untestable", 3]);
});

Deno.test("pairedTTest() tests, two differences", () => {
  // By hand at one degree of freedom: t = 3, p = 1 - 2 atan(3) / pi
  const { t, p, df } = tested([1, 2]);
  assertClose(["t", t], 3, { relative: 1e-15 });
  assertClose(["p", p], 1 - (2 * Math.atan(3)) / Math.PI, { relative: 1e-14 });
  assertEquals(df, 1);
});

Deno.test("pairedTTest() keeps t and p, values scaled by powers of two", () => {
  const differences = [3, -1, 2, 5, 4];
  const { t, p } = tested(differences);
  for (const exponent of [-1000, -300, 300, 1000]) {
    const scaled = tested(differences.map((d) => d * 2 ** exponent));
    assertEquals([scaled.t, scaled.p], [t, p], `2^${exponent}`);
  }
});

Deno.test("pairedTTest() gives p in (0, 1], a p-value below the smallest f64", () => {
  const differences = Array.from({ length: 60 }, (_, index) => 1 + (index % 2) * 1e-11);
  assertEquals(tested(differences).p, Number.MIN_VALUE);
  assertEquals(tested([1, -1, 2, -2]).p, 1);
});

Deno.test("pairedTTest() keeps its invariants, 200 random samples", () => {
  const next = mulberry32(2);
  for (let trial = 0; trial < 200; trial++) {
    const differences = normalSample(next, 2 + Math.floor(next() * 9));
    const actual = tested(differences);
    assert(actual.p > 0 && actual.p <= 1);
    // The interval at 1 - p ends at 0: test and interval are one statement.
    const excludesZero = actual.low > 0 || actual.high < 0;
    assertEquals(excludesZero, actual.p < 0.05);
    const mirrored = tested(differences.map((d) => -d));
    assertEquals([mirrored.t, mirrored.p, mirrored.low], [-actual.t, actual.p, -actual.high]);
    const reversed = tested([...differences].reverse());
    assertClose(["permuted p", reversed.p], actual.p, { relative: 1e-12 });
  }
});

Deno.test("pairedTTest() throws, no differences, not finite, or a wrong level", () => {
  assertThrows(() => pairedTTest([]), UsageError, '"differences"');
  assertThrows(() => pairedTTest([1, NaN]), NumericError, "differences[1]");
  assertThrows(() => pairedTTest([1, 2], { level: 2 }), UsageError, 'got "2"');
});
