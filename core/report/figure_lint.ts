/** Refuses figure specifications whose picture would not be a function of their data. */
import { PaperError } from "../errors.ts";

/** Aggregates and extents that Vega computes with its own random resampling. */
const RANDOM_WORDS: ReadonlySet<string> = new Set(["ci", "ci0", "ci1"]);
const CALLS = /\b(now|random|sampleNormal|sampleUniform|sampleLogNormal)\s*\(/;

/**
 * Reasons why a Vega-Lite specification may not be drawn, each with its path; empty when it is sound.
 * Refused: the keys `url` and `sample`, the values ci, ci0 and ci1, and calls of now() and random().
 */
export function figureFaults(spec: unknown): readonly string[] {
  const faults: string[] = [];
  walk(spec, "spec", faults);
  return faults;
}

/**
 * Checks a specification before it is drawn.
 *
 * @throws {PaperError} If `figureFaults` finds anything
 */
export function lintFigure(spec: unknown, name: string): void {
  const faults = figureFaults(spec);
  if (faults.length > 0) {
    throw new PaperError(
      `Figure "${name}" does not depend on its data alone: ${faults.join("; ")}; ` +
        `compute the values in core/stats and pass them as data`,
    );
  }
}

function walk(node: unknown, path: string, faults: string[]): void {
  if (typeof node === "string") {
    if (RANDOM_WORDS.has(node)) faults.push(`${path} is "${node}"`);
    const call = CALLS.exec(node);
    if (call !== null) faults.push(`${path} calls ${call[1]}()`);
    return;
  }
  if (typeof node !== "object" || node === null) return;
  for (const [key, value] of Object.entries(node)) {
    const below = Array.isArray(node) ? `${path}[${key}]` : `${path}.${key}`;
    if (key === "url" || key === "sample") faults.push(`${below} is not allowed`);
    // Rows are data, not instructions: an arm may be called "ci".
    if (below.endsWith(".data.values")) continue;
    walk(value, below, faults);
  }
}
