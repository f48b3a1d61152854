import { assert, assertEquals } from "@std/assert";
import { literalNumbers } from "../../../core/report/number_lint.ts";

function found(body: string): readonly string[] {
  return literalNumbers(
    `\\documentclass[10pt]{article}\n\\begin{document}\n${body}\n\\end{document}`,
  )
    .map(({ text }) => text);
}

Deno.test("literalNumbers() lets keys, labels, lengths, mathematics and vouched numbers pass", () => {
  const bodies = [
    "The loss is \\fact{phase4/resnet-bk/128/val_loss/mean} nats.",
    "See \\ref{tab:1}, \\cite[p.~3]{holm1979} and \\label{sec:2}.",
    "\\vspace{2mm}\\includegraphics[width=0.5\\textwidth]{figure1.pdf}",
    "A \\lit{95}\\,\\% interval, \\verdict{phase4/primary}",
    "\\begin{equation} x = 0.25 \\end{equation} and \\[ y = 1.5 \\]",
    "with $p_0 = 0$ and $2/2^n$ % comment with 42",
    "\\begin{tabular}{p{3cm}l}\\end{tabular}",
  ];
  for (const body of bodies) assertEquals(found(body), [], body);
});

Deno.test("literalNumbers() finds numbers typed by hand", () => {
  const bodies: readonly (readonly [string, readonly string[]])[] = [
    ["The loss is 3.214 nats.", ["3.214"]],
    ["\\textbf{3.2} and \\emph{17}", ["3.2", "17"]],
    ["\\caption{Mean over 8 seeds}", ["8"]],
    ["$p = 0.0078$", ["0.0078"]],
    ["\\(p < 0.05\\)", ["0.05"]],
    ["50\\% better % but 99 not", ["50"]],
    ["1,234 tokens", ["1,234"]],
    ["\\fact{a/1} and 2", ["2"]],
    ["\\section{Phase 4}", ["4"]],
  ];
  for (const [body, numbers] of bodies) assertEquals(found(body), numbers, body);
});

Deno.test("literalNumbers() names line and context", () => {
  const [fault] = literalNumbers("\\begin{document}\nfine\nloss 3.2 here\n\\end{document}");
  assertEquals(fault, { line: 3, text: "3.2", context: "loss 3.2 here" });
});

Deno.test("literalNumbers() finds a digit put anywhere into the prose of the paper", async () => {
  const path = new URL("../../../paper/main.tex", import.meta.url);
  const source = await Deno.readTextFile(path);
  assertEquals(literalNumbers(source), []);
  const places = [...source.matchAll(/ the /g)].filter(({ index }) =>
    index > source.indexOf("\\begin{abstract}") &&
    !/%/.test(source.slice(source.lastIndexOf("\n", index), index))
  );
  assert(places.length > 20);
  for (const { index } of places) {
    const mutant = `${source.slice(0, index)} the 7.3 ${source.slice(index + 5)}`;
    assertEquals(literalNumbers(mutant).map(({ text }) => text), ["7.3"]);
  }
});
