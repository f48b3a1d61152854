/** Numbers of a case file: JSON in, typed arrays out, and back to JSON. */
import type { Port } from "../graph/op.ts";
import { type Dtype, formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import { isJsonObject, type Json, memberOf } from "../manifest/json.ts";
import { manifestError, memberPlace, type Place, suggestion } from "../manifest/schema.ts";

/** Values of one tensor under the shape that the case gives. */
export interface CaseTensor {
  readonly shape: Shape;
  readonly values: Float32Array | Int32Array;
}

/** What the elements of a tensor must be. */
export interface ElementRule {
  readonly dtype: Dtype;
  readonly bounds?: Pick<Port, "minimum" | "above">;
}

const NON_FINITE: ReadonlyMap<Json, number> = new Map([
  ["NaN", NaN],
  ["Infinity", Infinity],
  ["-Infinity", -Infinity],
]);
const LARGEST_F32 = (2 - 2 ** -23) * 2 ** 127;
const LARGEST_I32 = 2 ** 31 - 1;

/**
 * Reads `{"shape": [2, 3], "data": [six numbers]}`; f32 values are rounded to single precision.
 *
 * @throws {ManifestError} If a key is missing or unknown, or a value breaks the rule
 */
export function readTensor(value: Json, at: Place, rule: ElementRule): CaseTensor {
  if (!isJsonObject(value)) {
    throw manifestError(at, `expected {"shape": [...], "data": [...]}, got ${brief(value)}`);
  }
  const keys = ["shape", "data"];
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown !== undefined) {
    throw manifestError(memberPlace(at, unknown), `unknown key${suggestion(unknown, keys)}`);
  }
  const shape = readShape(memberOf(value, "shape"), memberPlace(at, "shape"));
  const values = readList(memberOf(value, "data"), memberPlace(at, "data"), rule);
  if (values.length !== sizeOf(shape)) {
    throw manifestError(
      memberPlace(at, "data"),
      `expected ${sizeOf(shape)} numbers for shape ${formatShape(shape)}, got ${values.length}`,
    );
  }
  return { shape, values };
}

/** Reads a flat list of numbers. @throws {ManifestError} If an element breaks the rule */
export function readList(
  value: Json | undefined,
  at: Place,
  rule: ElementRule,
): Float32Array | Int32Array {
  if (value === undefined) throw manifestError(at, "missing; this key is required");
  if (!Array.isArray(value)) {
    throw manifestError(at, `expected a flat list of numbers, got ${brief(value)}`);
  }
  const numbers = (value as readonly Json[]).map((element, index) =>
    readElement(element, { ...at, path: `${at.path}[${index}]` }, rule)
  );
  return pack(numbers, rule.dtype);
}

/** Numbers as the device holds them. */
export function pack(numbers: readonly number[], dtype: Dtype): Float32Array | Int32Array {
  return dtype === "i32" ? Int32Array.from(numbers) : Float32Array.from(numbers);
}

/** One number as the device will hold it. @throws {ManifestError} If it breaks the rule */
export function readElement(value: Json, at: Place, rule: ElementRule): number {
  const number = rule.dtype === "i32" ? readInteger(value, at) : readSingle(value, at);
  const { minimum, above } = rule.bounds ?? {};
  if (minimum !== undefined && !(number >= minimum)) {
    throw manifestError(at, `expected a number >= ${minimum}, got ${brief(value)}`);
  }
  if (above !== undefined && !(number > above)) {
    throw manifestError(at, `expected a number > ${above}, got ${brief(value)}`);
  }
  return number;
}

function readSingle(value: Json, at: Place): number {
  const special = NON_FINITE.get(value);
  if (special !== undefined) return special;
  if (typeof value !== "number") {
    throw manifestError(
      at,
      `expected a number, "NaN", "Infinity" or "-Infinity", got ${brief(value)}`,
    );
  }
  const single = Math.fround(value);
  if (!Number.isFinite(single)) {
    throw manifestError(
      at,
      `expected a number of single precision (at most ${LARGEST_F32} in magnitude), got ${value}`,
    );
  }
  return single;
}

function readInteger(value: Json, at: Place): number {
  if (typeof value === "number" && Number.isInteger(value) && Math.abs(value) <= LARGEST_I32) {
    return value;
  }
  throw manifestError(
    at,
    `expected an integer of at most ${LARGEST_I32} in magnitude, got ${brief(value)}`,
  );
}

function readShape(value: Json | undefined, at: Place): Shape {
  if (value === undefined) throw manifestError(at, "missing; this key is required");
  const sizes = Array.isArray(value) ? value as readonly Json[] : undefined;
  if (!sizes?.every((size) => Number.isSafeInteger(size) && Number(size) >= 0)) {
    throw manifestError(at, `expected a list of sizes such as [2, 3], got ${brief(value)}`);
  }
  return sizes.map(Number);
}

/** A value for a message, cut where it is long. */
export function brief(value: Json): string {
  const text = JSON.stringify(value);
  return text.length <= 60 ? text : `${text.slice(0, 57)}...`;
}

/** A number as JSON: the shortest text that reads back the same; -0 keeps its sign. */
export function numberText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0" : String(value);
}
