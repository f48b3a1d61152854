import { assertEquals } from "@std/assert";
import { areConstant, TIE_TOLERANCE } from "../../../core/stats/are_constant.ts";

Deno.test("areConstant() holds, values equal exactly or but for rounding", () => {
  assertEquals(areConstant(Object.freeze([0, -0, 0])), true);
  assertEquals(areConstant([-3.5, -3.5]), true);
  assertEquals(areConstant([0.3, 0.1 + 0.2]), true);
  assertEquals(areConstant([1e300, 1e300 * (1 + 1e-15)]), true);
  assertEquals(areConstant([2]), true);
});

Deno.test("areConstant() fails, a spread above the tolerance at any scale", () => {
  assertEquals(areConstant([1, 1 + 1e-11]), false);
  assertEquals(areConstant([1e-300, 1.1e-300]), false);
  assertEquals(areConstant([Number.MAX_VALUE, -Number.MAX_VALUE]), false);
  assertEquals(areConstant([0, 1e-300]), false);
  assertEquals(areConstant([-1, 1]), false);
});

Deno.test("TIE_TOLERANCE lies between rounding and effects, pinned", () => {
  assertEquals(TIE_TOLERANCE, 1 / 1099511627776);
});
