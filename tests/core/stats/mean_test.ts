import { assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { mean } from "../../../core/stats/mean.ts";

Deno.test("mean() gives the definition's value, exact halves", () => {
  assertEquals(mean(Object.freeze([1, 2, 4.5])), 2.5);
  assertEquals(mean([-7]), -7);
  assertEquals(mean([0, 0]), 0);
});

Deno.test("mean() stays finite and exact, values at both ends of f64", () => {
  assertEquals(mean([1.7e308, 1.7e308, 1.7e308]), 1.7e308);
  assertEquals(mean([Number.MAX_VALUE, -Number.MAX_VALUE]), 0);
  assertEquals(mean([Number.MIN_VALUE, Number.MIN_VALUE]), Number.MIN_VALUE);
  assertEquals(mean([2 ** 1000, 3 * 2 ** 1000]), 2 ** 1001);
});

Deno.test("mean() is the value itself, equal values whose sum is rounded", () => {
  for (const value of [0.1, -0.7, 2.3, 1e-310]) {
    for (const n of [3, 6, 7, 49]) assertEquals(mean(new Array(n).fill(value)), value);
  }
});

Deno.test("mean() does not lose small values, a large pair that cancels", () => {
  assertEquals(mean([1e16, 1, 1, -1e16]), 0.5);
});

Deno.test("mean() throws, no values or a value that is not finite", () => {
  assertThrows(() => mean([]), UsageError, "at least one value");
  assertThrows(() => mean([1, 2, NaN]), NumericError, "values[2]");
  assertThrows(() => mean([-Infinity]), NumericError, '"-Infinity"');
});
