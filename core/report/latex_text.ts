/** Text and numbers as LaTeX source. */
import { pValueText } from "./number_text.ts";

const SPECIAL: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "{": "\\{",
  "}": "\\}",
  "$": "\\$",
  "&": "\\&",
  "#": "\\#",
  "%": "\\%",
  "_": "\\_",
  "^": "\\textasciicircum{}",
  "~": "\\textasciitilde{}",
  "<": "\\textless{}",
  ">": "\\textgreater{}",
  '"': "\\textquotedbl{}",
  "|": "\\textbar{}",
};

/** Plain text that LaTeX prints as it stands; control characters and line breaks become spaces. */
export function escapeLatex(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f]+/g, " ").replace(
    /[\\{}$&#%_^~<>"|]/g,
    (character) => SPECIAL[character],
  );
}

/** A number text such as "-0.12" or "1.91e-6" with a true minus and a power of ten. */
export function latexNumber(text: string): string {
  const power = /^(-?[\d.]+)e([+-]?\d+)$/.exec(text);
  if (power !== null) return `\\ensuremath{${power[1]}\\times 10^{${Number(power[2])}}}`;
  return text.startsWith("-") ? `\\ensuremath{${text}}` : text;
}

/** A p-value as LaTeX. */
export function latexPValue(p: number): string {
  return latexNumber(pValueText(p));
}
