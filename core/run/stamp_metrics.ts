import { StoreError } from "../errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../manifest/json.ts";
import type { LeakFacts } from "../store/record.ts";
import { METRICS_HEADER } from "./metrics_log.ts";
import { readTextIfPresent, replaceFile } from "../store/store_io.ts";

/**
 * Writes into every row of a metrics.json and a metrics.csv what the audit of the trained model found: `leaks`, in
 * the place of what the settings declare, and `largest_earlier_change`.
 *
 * @throws {StoreError} If the folder has no log, or the disk refuses
 */
export function stampMetrics(
  folder: string,
  { leaks, largestChange }: Pick<LeakFacts, "leaks" | "largestChange">,
): void {
  const [json, csv] = [`${folder}/metrics.json`, `${folder}/metrics.csv`];
  const rows = rowsOf(json).map((row) => ({
    ...row,
    leaks,
    largest_earlier_change: largestChange,
  }));
  const [header, ...lines] = linesOf(csv);
  const stamped = lines.map((line) =>
    [...line.split(",").slice(0, STAMP_COLUMNS), leaks, largestChange].join(",")
  );
  replaceFile(json, `${JSON.stringify(rows)}\n`, { durable: false });
  replaceFile(csv, [header, ...stamped, ""].join("\n"), { durable: false });
}

/** From the end of a line of metrics.csv. */
const STAMP_COLUMNS = -2;

function linesOf(path: string): readonly string[] {
  const lines = readTextIfPresent(path)?.trimEnd().split("\n") ?? [];
  if (lines[0] === METRICS_HEADER) return lines;
  throw new StoreError(
    `Cannot stamp "${path}" with the leak audit: expected the columns of a training run, got ${
      lines[0]?.slice(0, 80) ?? "no such file"
    }; run the same command again`,
  );
}

function rowsOf(path: string): readonly JsonObject[] {
  const text = readTextIfPresent(path);
  const rows = text === null ? null : JSON.parse(text) as Json;
  if (Array.isArray(rows) && rows.every(isJsonObject)) return rows;
  throw new StoreError(
    `Cannot stamp "${path}" with the leak audit: expected the rows of a training run, got ${
      text === null ? "no such file" : text.slice(0, 80)
    }; run the same command again`,
  );
}
