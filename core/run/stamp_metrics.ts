import { StoreError } from "../errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../manifest/json.ts";
import type { LeakFacts } from "../store/record.ts";
import { readTextIfPresent, replaceFile } from "../store/store_io.ts";

/**
 * Writes into every row of a metrics.json what the audit of the trained model found: `leaks`, in the place of what
 * the settings declare, and `largest_earlier_change`.
 *
 * @throws {StoreError} If the folder has no log, or the disk refuses
 */
export function stampMetrics(
  folder: string,
  { leaks, largestChange }: Pick<LeakFacts, "leaks" | "largestChange">,
): void {
  const path = `${folder}/metrics.json`;
  const rows = rowsOf(path).map((row) => ({
    ...row,
    leaks,
    largest_earlier_change: largestChange,
  }));
  replaceFile(path, `${JSON.stringify(rows)}\n`, { durable: false });
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
