import { assert, assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { tInterval } from "../../../core/stats/t_interval.ts";
import golden from "../../golden/stats_scipy.json" with { type: "json" };
import { assertClose } from "./_assert_close.ts";
import { mulberry32, normalSample } from "./_random_sample.ts";

const RTOL = 1e-12; // SciPy's t quantile is off by up to some 1e-13

function interval(values: readonly number[], level?: number) {
  const result = tInterval(values, level === undefined ? {} : { level });
  if (result.kind !== "interval") throw new Error(`Expected an interval, got ${result.kind}`);
  return result;
}

Deno.test("tInterval() agrees with SciPy, differences of all golden pairs at three levels", () => {
  for (const { name, a, b, level, ...expected } of golden.pairs) {
    const actual = interval(Object.freeze(a.map((value, index) => value - b[index])), level);
    // Bounds may lie near 0: their error is that of the interval's own size.
    const options = { relative: RTOL, absolute: RTOL * expected.sd };
    assertEquals([actual.n, actual.level], [a.length, level]);
    for (const key of ["mean", "sd", "low", "high"] as const) {
      assertClose([`${name} ${key}`, actual[key]], expected[key], options);
    }
  }
});

Deno.test("tInterval() has level 0.95, no options", () => {
  assertEquals(tInterval([1, 2, 4]), tInterval([1, 2, 4], { level: 0.95 }));
});

Deno.test("tInterval() is a named case, one value", () => {
  assertEquals(tInterval([2.5], { level: 0.9 }), {
    kind: "single-value",
    n: 1,
    mean: 2.5,
    level: 0.9,
  });
});

Deno.test("tInterval() has width 0, equal values", () => {
  const { mean, sd, low, high } = interval([0.1, 0.1, 0.1]);
  assertEquals([mean, sd, low, high], [0.1, 0, 0.1, 0.1]);
});

Deno.test("tInterval() is wide, two values", () => {
  // By hand: t(.975, 1) = tan(0.475 pi) = 12.7062047361747, sd = sqrt(2) / 2, so half-width 6.35310236808735
  const { low, high } = interval([1, 2]);
  assertClose(["low", low], 1.5 - 6.35310236808735, { relative: 1e-13 });
  assertClose(["high", high], 1.5 + 6.35310236808735, { relative: 1e-13 });
});

Deno.test("tInterval() covers the mean at its level, 4000 normal samples of five", () => {
  const next = mulberry32(11);
  let covered = 0;
  for (let trial = 0; trial < 4000; trial++) {
    const { low, high } = interval(normalSample(next, 5));
    if (low <= 0 && 0 <= high) covered++;
  }
  // Binomial standard error 0.0034: four of them. With 1.96 for t coverage would be 0.88.
  assertClose(["coverage", covered / 4000], 0.95, { relative: 0, absolute: 0.0138 });
});

Deno.test("tInterval() widens, higher level", () => {
  const values = [2.4, 2.6, 2.5, 2.7];
  const widths = [0.5, 0.9, 0.99].map((level) => interval(values, level)).map((i) =>
    i.high - i.low
  );
  assert(widths[0] < widths[1] && widths[1] < widths[2]);
});

Deno.test("tInterval() throws, level or values outside their domain", () => {
  for (const level of [0, 1, 95, NaN]) {
    assertThrows(() => tInterval([1, 2], { level }), UsageError, `got "${level}"`);
    assertThrows(() => tInterval([1], { level }), UsageError, `got "${level}"`);
  }
  assertThrows(() => tInterval([]), UsageError, "at least one value");
  assertThrows(() => tInterval([1, NaN]), NumericError, "values[1]");
  assertThrows(() => tInterval([1e308, 1.5e308]), NumericError, "finite bounds");
});
