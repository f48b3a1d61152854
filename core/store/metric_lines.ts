import { StoreError } from "../errors.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import { isJsonObject, type Json } from "../manifest/json.ts";
import type { MetricLine } from "./record.ts";

/** The readable part of a `metrics.jsonl`. */
export interface MetricLines {
  readonly lines: readonly MetricLine[];
  /** Whether the file ended within a line, as it does when its writer was killed. */
  readonly torn: boolean;
}

/**
 * One line of `metrics.jsonl` with its line end. Keys are sorted, so equal values are equal bytes.
 *
 * @throws {NumericError} If a number is not finite; such values are written as text.
 */
export function formatMetricLine(line: MetricLine): string {
  const { step, tokens, name, value } = line;
  return canonicalJson({ step, tokens, name, value }) + "\n";
}

/**
 * Reads a `metrics.jsonl`. A last line without its line end was being written when the process
 * ended; it is left out and reported as torn.
 *
 * @throws {StoreError} On any other line that is not a metric, naming file and line.
 */
export function parseMetricLines(text: string, options: { readonly path: string }): MetricLines {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  const lines = whole.split("\n").slice(0, -1)
    .map((line, i) => parseLine(line, `${options.path}:${i + 1}`));
  return { lines, torn: whole.length < text.length };
}

/** The lines up to and including a step: what stands when a run goes on from a checkpoint. */
export function linesThrough(
  lines: readonly MetricLine[],
  options: { readonly step: number },
): readonly MetricLine[] {
  return lines.filter((line) => line.step <= options.step);
}

function parseLine(line: string, where: string): MetricLine {
  const value = jsonOrNull(line);
  const good = isJsonObject(value) && typeof value.step === "number" &&
    typeof value.tokens === "number" && typeof value.name === "string" &&
    (typeof value.value === "number" || typeof value.value === "string");
  if (good) return value as unknown as MetricLine;
  throw new StoreError(
    `Cannot read the metrics at ${where}: expected {name, step, tokens, value}, got ${
      JSON.stringify(line.slice(0, 80))
    }`,
  );
}

function jsonOrNull(line: string): Json {
  try {
    return JSON.parse(line);
  } catch {
    return null; // not JSON: the caller refuses the line with its number
  }
}
