/**
 * Finds numbers typed by hand into the prose of a LaTeX source. A result belongs into `\fact{key}`,
 * which is generated from sealed records; a number the author vouches for belongs into `\lit{…}`.
 */

/** A digit that no macro accounts for. */
export interface LiteralNumber {
  /** Line, from 1. */
  readonly line: number;
  /** The number as typed. */
  readonly text: string;
  /** The whole line. */
  readonly context: string;
}

/** Commands whose arguments may hold digits: keys, labels, file names, lengths, vouched numbers. */
const QUIET_COMMANDS: ReadonlySet<string> = new Set(
  ("fact verdict lit ref eqref pageref autoref label cite citep citet nocite input include " +
    "includegraphics bibliography bibliographystyle hspace vspace hskip vskip setlength " +
    "addtolength rule url href setcounter fontsize begin end documentclass usepackage")
    .split(" "),
);
const QUIET_ENVIRONMENTS =
  /\\begin\{(equation|align|gather|multline|displaymath|thebibliography)(\*?)\}[\s\S]*?\\end\{\1\2\}/g;

/**
 * Every hand-typed number after `\begin{document}`. Allowed are the arguments of quiet commands,
 * displayed mathematics, the bibliography, and whole numbers in inline mathematics (indices and
 * exponents); a decimal fraction in inline mathematics counts as a result.
 */
export function literalNumbers(source: string): readonly LiteralNumber[] {
  const lines = source.split("\n");
  const found: LiteralNumber[] = [];
  quiet(source).split("\n").forEach((line, index) => {
    for (const match of line.matchAll(/\d[\d.,]*\d|\d/g)) {
      found.push({ line: index + 1, text: match[0], context: lines[index].trim() });
    }
  });
  return found;
}

/** The source with everything that may hold digits blanked; lines keep their numbers. */
function quiet(source: string): string {
  const start = source.indexOf("\\begin{document}");
  let text = start < 0 ? source : blank(source.slice(0, start)) + source.slice(start);
  text = text.replace(
    /(^|[^\\])%.*$/gm,
    (all, before: string) => before + blank(all.slice(before.length)),
  );
  text = text.replace(QUIET_ENVIRONMENTS, blank);
  text = text.replace(/\\\[[\s\S]*?\\\]|\$\$[\s\S]*?\$\$/g, blank);
  text = blankCommands(text);
  return text.replace(/\$[^$]*\$|\\\([\s\S]*?\\\)/g, blankWholeNumbers);
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

function blankWholeNumbers(maths: string): string {
  return maths.replace(/\d+(?:\.\d+)?/g, (number) => number.includes(".") ? number : blank(number));
}

/** Blanks `\name*[…]{…}{…}` for quiet names. */
function blankCommands(text: string): string {
  let out = "";
  let at = 0;
  for (const match of text.matchAll(/\\([A-Za-z]+)\*?/g)) {
    if (match.index < at || !QUIET_COMMANDS.has(match[1])) continue;
    const end = endOfArguments(text, match.index + match[0].length);
    out += text.slice(at, match.index) + blank(text.slice(match.index, end));
    at = end;
  }
  return out + text.slice(at);
}

function endOfArguments(text: string, from: number): number {
  let at = from;
  while (text[at] === "[" || text[at] === "{") {
    const close = text[at] === "[" ? "]" : "}";
    const end = matching(text, at, close);
    if (end < 0) return at; // unbalanced: LaTeX reports it
    at = end + 1;
  }
  return at;
}

function matching(text: string, open: number, close: string): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === text[open]) depth++;
    else if (text[i] === close && --depth === 0) return i;
  }
  return -1;
}
