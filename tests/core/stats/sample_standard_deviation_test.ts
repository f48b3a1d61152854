import { assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { sampleStandardDeviation } from "../../../core/stats/sample_standard_deviation.ts";
import { assertClose } from "./_assert_close.ts";

const RTOL = 4e-16; // two ulp

Deno.test("sampleStandardDeviation() divides by n - 1, small samples", () => {
  // R: sd(c(1, 2)) → 0.70710678118654757; sd(1:5) → 1.5811388300841898
  assertClose(["two", sampleStandardDeviation([1, 2])], Math.SQRT1_2, { relative: RTOL });
  assertClose(
    ["five", sampleStandardDeviation(Object.freeze([5, 1, 4, 2, 3]))],
    1.5811388300841898,
    { relative: RTOL },
  );
});

Deno.test("sampleStandardDeviation() scales with its values, both ends of f64", () => {
  for (const scale of [1e-200, 2 ** -1000, 1e200, 1e307]) {
    assertClose(
      [`scale ${scale}`, sampleStandardDeviation([scale, 2 * scale, 3 * scale])],
      scale,
      { relative: 1e-15 },
    );
  }
});

Deno.test("sampleStandardDeviation() is exactly 0, equal values", () => {
  assertEquals(sampleStandardDeviation([0.1, 0.1, 0.1]), 0);
  assertEquals(sampleStandardDeviation([2.7, 2.7, 2.7, 2.7, 2.7, 2.7, 2.7]), 0);
  assertEquals(sampleStandardDeviation([0, -0]), 0);
});

Deno.test("sampleStandardDeviation() keeps a small spread, values with a large mean", () => {
  // The mean 1e9 + 1/3 is rounded to 1.2e-7, which leaves the last digits free.
  const actual = sampleStandardDeviation([1e9, 1e9 + 1, 1e9]);
  assertClose(["offset", actual], Math.sqrt(1 / 3), { relative: 1e-12 });
});

Deno.test("sampleStandardDeviation() throws, too few, not finite or overflowing", () => {
  assertThrows(() => sampleStandardDeviation([1]), UsageError, "at least 2 values, got 1");
  assertThrows(() => sampleStandardDeviation([]), UsageError, "at least one value");
  assertThrows(() => sampleStandardDeviation([1, Infinity]), NumericError, "values[1]");
  assertThrows(
    () => sampleStandardDeviation([Number.MAX_VALUE, -Number.MAX_VALUE]),
    NumericError,
    "rescale",
  );
});
