import { assert, assertEquals, assertThrows } from "@std/assert";
import golden from "../../golden/random_python.json" with { type: "json" };
import { naturalLog } from "../../../core/random/natural_log.ts";
import { assertClose } from "../stats/_assert_close.ts";

Deno.test("naturalLog() agrees with 60 digits, the ends of f64 and neighbours of 1 among them", () => {
  for (const [x, want] of golden.logarithms) {
    assertClose([`log ${x}`, naturalLog(x)], want, { relative: 4e-16 });
  }
});

Deno.test("naturalLog() is exact at 1 and rises through the seams of its reduction", () => {
  assertEquals(naturalLog(1), 0);
  for (const seam of [Math.SQRT1_2, 1, Math.SQRT2, 2, 1024]) {
    const below = naturalLog(seam * (1 - 1e-15));
    const above = naturalLog(seam * (1 + 1e-15));
    assert(below < above, `does not rise at ${seam}`);
  }
});

Deno.test("naturalLog() refuses what is no positive normal number", () => {
  for (const x of [0, -0, -1, NaN, Infinity, 5e-324]) {
    assertThrows(() => naturalLog(x), RangeError, "expected a positive normal number");
  }
});
