import { assertAlmostEquals, assertThrows } from "@std/assert";
import { textWidth } from "../../../core/report/text_width.ts";

// Latin Modern Roman 10 has the widths of Computer Modern cmr10; those are in units of its size:
// tftopl cmr10.tfm → A 0.750002, M 0.916669, i 0.277779, zero 0.500002, W 1.027781
const CMR10: Readonly<Record<string, number>> = {
  A: 0.750002,
  M: 0.916669,
  i: 0.277779,
  "0": 0.500002,
  W: 1.027781,
};

Deno.test("textWidth() agrees with Computer Modern to a thousandth of an em", () => {
  for (const [text, width] of Object.entries(CMR10)) {
    assertAlmostEquals(textWidth(text, 1), width, 1e-3);
  }
});

Deno.test("textWidth() adds up and scales", () => {
  assertAlmostEquals(textWidth("AM0", 8), 8 * (0.750002 + 0.916669 + 0.500002), 2e-2);
});

Deno.test("textWidth() refuses a character without a width", () => {
  assertThrows(() => textWidth("漢", 8), RangeError, "漢");
});
