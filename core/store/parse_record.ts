import { StoreError } from "../errors.ts";
import { isJsonObject, type Json, type JsonObject, memberOf } from "../manifest/json.ts";
import { bitsOf } from "./exact_number.ts";
import { RECORD_SCHEMA, type RunRecord } from "./record.ts";
import { isDigest } from "./store_paths.ts";

type Check = readonly [path: string, wanted: string, holds: (value: Json | undefined) => boolean];

const isText = (value: Json | undefined): boolean => typeof value === "string";
const isNumber = (value: Json | undefined): boolean => typeof value === "number";
const isHash = (value: Json | undefined): boolean => typeof value === "string" && isDigest(value);

/** What every reader of records relies on. `config`, `data` and `selfTest` are free JSON. */
const CHECKS: readonly Check[] = [
  ...["name", "experiment", "profile", "arm", "code.revision", "engine.backend", "engine.preset"]
    .map((path): Check => [path, "text", isText]),
  ...["environment.deno", "environment.v8", "environment.typescript", "environment.os"]
    .map((path): Check => [path, "text", isText]),
  ...["environment.arch", "timing.startedAt", "timing.endedAt", "timing.host"]
    .map((path): Check => [path, "text", isText]),
  ...["seed", "parameters.count", "timing.wallSeconds", "timing.trainSeconds", "timing.attempts"]
    .map((path): Check => [path, "a number", isNumber]),
  ...["timing.evaluateSeconds", "timing.tokensPerSecond"]
    .map((path): Check => [path, "a number", isNumber]),
  ...["manifestDigest", "code.digest", "parameters.digest"]
    .map((path): Check => [path, "a SHA-256 in hexadecimal", isHash]),
  ["code.dirty", "true or false", (value) => typeof value === "boolean"],
  ["cell", "numbers by coordinate", (value) => everyMember(value, isNumber)],
  ["engine.adapter", "adapter facts or null", (value) => value === null || isJsonObject(value)],
  ["outcome", '"ok", or "diverged" with step and reason', isOutcome],
  ["metrics", "exact numbers or null, by name", (value) => everyMember(value, isMetric)],
  ["censored", "after and reason by name of a null metric, or nothing", isCensored],
  ["leak", "leaks, largestChange and gainNats, or null", isLeak],
  ["outputs", "a list of name, digest and bytes", (value) => everyItem(value, isOutput)],
  ["warnings", "a list of texts", (value) => everyItem(value, isText)],
];

/**
 * Reads a sealed record. `path` is its file, for messages; `key` the unit it must belong to.
 *
 * @throws {StoreError} If the text is torn, of another version, or the record of another unit.
 */
export function parseRecord(
  text: string,
  expected: { readonly path: string; readonly key: string },
): RunRecord {
  const { path, key } = expected;
  const record = parsed(text, path);
  const schema = memberOf(record, "schema");
  if (schema !== RECORD_SCHEMA) {
    throw new StoreError(
      `Cannot use the record "${path}": at schema: expected "${RECORD_SCHEMA}", got ${
        JSON.stringify(schema)
      }; ` +
        "another version of the harness wrote it: delete its folder to run the unit again",
    );
  }
  const found = memberOf(record, "key");
  if (found !== key) throw damaged(path, `at key: expected "${key}", got ${JSON.stringify(found)}`);
  for (const [at, wanted, holds] of CHECKS) {
    const value = valueAt(record, at);
    if (!holds(value)) {
      throw damaged(path, `at ${at}: expected ${wanted}, got ${JSON.stringify(value)}`);
    }
  }
  return record as unknown as RunRecord; // its fields were checked one by one above
}

function parsed(text: string, path: string): JsonObject {
  try {
    const value: Json = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch (error) {
    throw damaged(path, `it is not JSON (${(error as Error).message})`);
  }
  throw damaged(path, "it is not a JSON object");
}

function damaged(path: string, problem: string): StoreError {
  return new StoreError(
    `Cannot use the record "${path}": ${problem}; it was damaged after it was sealed: restore it ` +
      "from a copy, or delete its folder to run the unit again",
  );
}

function valueAt(record: JsonObject, path: string): Json | undefined {
  let value: Json | undefined = record;
  for (const key of path.split(".")) value = isJsonObject(value) ? memberOf(value, key) : undefined;
  return value;
}

function everyMember(value: Json | undefined, holds: (item: Json) => boolean): boolean {
  return isJsonObject(value) && Object.values(value).every(holds);
}

function everyItem(value: Json | undefined, holds: (item: Json) => boolean): boolean {
  return Array.isArray(value) && value.every(holds);
}

function isMetric(value: Json): boolean {
  if (value === null) return true;
  if (!isJsonObject(value)) return false;
  const number = value.value;
  return typeof number === "number" && value.bits === bitsOf(number);
}

function isCensored(value: Json | undefined): boolean {
  return value === undefined || everyMember(
    value,
    (item) =>
      isJsonObject(item) && isNumber(item.after) &&
      (item.reason === "not reached" || item.reason === "diverged"),
  );
}

function isOutput(value: Json): boolean {
  return isJsonObject(value) && isText(value.name) && isHash(value.digest) && isNumber(value.bytes);
}

function isLeak(value: Json | undefined): boolean {
  if (value === null) return true;
  if (!isJsonObject(value)) return false;
  return typeof value.leaks === "boolean" && isNumber(value.largestChange) &&
    (value.gainNats === null || isNumber(value.gainNats));
}

function isOutcome(value: Json | undefined): boolean {
  if (!isJsonObject(value)) return false;
  if (value.kind === "ok") return true;
  return value.kind === "diverged" && isNumber(value.step) && isText(value.reason);
}
