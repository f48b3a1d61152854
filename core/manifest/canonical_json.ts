import { HarnessError, NumericError } from "../errors.ts";
import { sha256Hex } from "../random/sha256.ts";
import { isJsonObject, type Json } from "./json.ts";

/**
 * The one text of a JSON value: no white space, keys in order of their UTF-16 code units, numbers
 * in the shortest form that reads back as the same double. Equal values give equal bytes, so the
 * SHA-256 of this text identifies the value.
 *
 * Source: RFC 8785, §3.2.
 *
 * @throws {NumericError} On a number that is not finite, which JSON cannot hold.
 * @throws {HarnessError} On text with a lone surrogate, which UTF-8 cannot hold.
 */
export function canonicalJson(value: Json): string {
  if (typeof value === "number") return canonicalNumber(value);
  if (typeof value === "string") return canonicalText(value);
  if (value === null || typeof value === "boolean") return String(value);
  if (!isJsonObject(value)) return `[${value.map(canonicalJson).join(",")}]`;
  // Without a comparison function sort() compares UTF-16 code units, which is what §3.2.3 asks for.
  const members = Object.keys(value).sort()
    .map((key) => `${canonicalText(key)}:${canonicalJson(value[key])}`);
  return `{${members.join(",")}}`;
}

/** SHA-256 of the canonical text of a JSON value, 64 lower-case hexadecimal digits. */
export function jsonDigest(value: Json): string {
  return sha256Hex(canonicalJson(value));
}

function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) {
    throw new NumericError(`Cannot write ${value} as JSON: expected a finite number`);
  }
  return JSON.stringify(value); // §3.2.2.3 adopts ECMAScript's Number::toString; -0 becomes "0"
}

function canonicalText(value: string): string {
  if (!value.isWellFormed()) {
    throw new HarnessError(
      `Cannot write ${JSON.stringify(value)} as JSON: expected text without lone surrogates`,
    );
  }
  return JSON.stringify(value); // §3.2.2.2 adopts the escapes of ECMAScript
}
