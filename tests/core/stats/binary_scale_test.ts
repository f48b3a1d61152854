import { assert, assertEquals } from "@std/assert";
import { binaryScale } from "../../../core/stats/binary_scale.ts";

Deno.test("binaryScale() is a power of two near the largest magnitude, whole range of f64", () => {
  const largest = [Number.MIN_VALUE, 1e-310, 1e-9, 0.75, 1, 2 ** 52 + 1, 1e300, Number.MAX_VALUE];
  for (const value of largest) {
    const scale = binaryScale(Object.freeze([0, -value, value / 3]));
    assert(Number.isInteger(Math.log2(scale)), `log2(${scale})`);
    assert(value / scale >= 0.5 && value / scale <= 4, `${value} / ${scale}`);
  }
});

Deno.test("binaryScale() is 1, nothing to scale", () => {
  assertEquals(binaryScale([0, -0]), 1);
  assertEquals(binaryScale([]), 1);
});
