import { assertEquals } from "@std/assert";
import { escapeLatex, latexNumber, latexPValue } from "../../../core/report/latex_text.ts";

Deno.test("escapeLatex() makes every special character print as itself", () => {
  assertEquals(
    escapeLatex("50% of a_b & #1 {x} $y$ ^ ~ \\ <z>"),
    "50\\% of a\\_b \\& \\#1 \\{x\\} \\$y\\$ \\textasciicircum{} \\textasciitilde{} " +
      "\\textbackslash{} \\textless{}z\\textgreater{}",
  );
  assertEquals(escapeLatex("two\r\nlines\t"), "two lines ");
});

Deno.test("latexNumber() sets minus and powers in mathematics", () => {
  assertEquals(latexNumber("-0.12"), "\\ensuremath{-0.12}");
  assertEquals(latexNumber("1.91e-6"), "\\ensuremath{1.91\\times 10^{-6}}");
  assertEquals(latexNumber("12"), "12");
  assertEquals(latexPValue(2 / 256), "0.00781");
});
