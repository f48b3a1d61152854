import { assertEquals, assertThrows } from "@std/assert";
import {
  decimalsFor,
  fixedText,
  listText,
  meanText,
  perplexityText,
  pValueText,
} from "../../../core/report/number_text.ts";

Deno.test("meanText() rounds to two significant digits of the half-width", () => {
  assertEquals(meanText(3.214159, 0.0207, "±"), "3.214 ± 0.021");
  assertEquals(meanText(3.214159, 0.00099999, "±"), "3.2142 ± 0.0010");
  assertEquals(meanText(1234.5, 56.7, "±"), "1235 ± 57");
  assertEquals(meanText(3.214159, null), "3.2142");
});

Deno.test("decimalsFor() stays finite without a usable half-width", () => {
  assertEquals([0, NaN, Infinity, null].map(decimalsFor), [4, 4, 4, 4]);
  assertEquals(decimalsFor(1e-30), 8);
});

Deno.test("fixedText() never prints a negative zero", () => {
  assertEquals(fixedText(-0.0001, 2), "0.00");
  assertEquals(fixedText(-0.006, 2), "-0.01");
});

Deno.test("pValueText() shows three significant digits and refuses zero", () => {
  assertEquals([1, 0.0625, 2 / 256, 2 / 2 ** 20].map(pValueText), [
    "1",
    "0.0625",
    "0.00781",
    "1.91e-6",
  ]);
  for (const p of [0, -0.1, 1.01, NaN]) assertThrows(() => pValueText(p), RangeError);
});

Deno.test("perplexityText() follows the interval and admits overflow", () => {
  assertEquals(perplexityText(20.0855, 0.02), "20.09");
  assertEquals(perplexityText(20.0855, null), "20.09");
  assertEquals(perplexityText(Infinity, 0.1), "n/a");
});

Deno.test("listText() shortens runs of whole numbers", () => {
  assertEquals(listText([42, 43, 44]), "42 to 44");
  assertEquals(listText([128, 512, 2048]), "128, 512 and 2048");
  assertEquals([listText([128, 512]), listText([7]), listText([])], ["128 and 512", "7", ""]);
});
