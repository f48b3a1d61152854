/** A case file for `deno task op`: what an op is run on, read strictly against the op's signature. */
import { ManifestError, ShapeError } from "../errors.ts";
import type { Attributes, Op, Port } from "../graph/op.ts";
import { type Dtype, formatShape, type Shape, type TensorType } from "../graph/shape.ts";
import { knownWords } from "../manifest/did_you_mean.ts";
import { isJsonObject, type Json, type JsonObject, memberOf } from "../manifest/json.ts";
import { manifestError, memberPlace, type Place, suggestion } from "../manifest/schema.ts";
import {
  brief,
  type CaseTensor,
  type ElementRule,
  pack,
  readElement,
  readList,
  readTensor,
} from "./op_values.ts";

/** One input of the op. */
export interface CaseInput {
  readonly name: string;
  readonly type: TensorType;
  /** Shape of its gradient: the one the case gave, where a plain number has none. */
  readonly shape: Shape;
  readonly values: Float32Array | Int32Array;
}

/** A case that fits the op. */
export interface OpCase {
  readonly inputs: readonly CaseInput[];
  readonly attributes: Attributes;
  readonly outputs: readonly TensorType[];
  /** Values by index of the output; none: the op runs forward only. */
  readonly cotangents: ReadonlyMap<number, Float32Array>;
}

/** Element type of an input, from the op's own trials. */
export function dtypeOf(op: Op, index: number): Dtype {
  return op.trials[0].inputs[index].type.dtype;
}

/** Settings a user may give: all, but for elementwise ops, whose expression is the op itself. */
export function settingsOf(op: Op): Op["signature"]["params"] {
  return op.expression === undefined ? op.signature.params : {};
}

/**
 * Reads the text of a case file. `file` is its name in messages.
 *
 * @throws {ManifestError} If it is not JSON, a key is unknown or missing, a value has the wrong type,
 * size or range, or the op rejects the shapes
 */
export function parseOpCase(text: string, { op, file }: {
  readonly op: Op;
  readonly file: string;
}): OpCase {
  const top: Place = { file, path: "", patch: false };
  const sections = ["inputs", "params", "cotangents"];
  const whole = readObject(parseJson(text, file), { at: top, known: sections });
  const section = (name: string): Json => memberOf(whole, name) ?? {};
  const { signature } = op;
  const optional = signature.inputs.filter((port) => port.optional !== undefined);
  const given = readObject(section("inputs"), {
    at: memberPlace(top, "inputs"),
    known: signature.inputs.map((port) => port.name),
    elsewhere: { names: Object.keys(settingsOf(op)), section: "params" },
  });
  const params = readObject(section("params"), {
    at: memberPlace(top, "params"),
    known: [...Object.keys(settingsOf(op)), ...optional.map((port) => port.name)],
    elsewhere: { names: signature.inputs.map((port) => port.name), section: "inputs" },
  });
  const inputs = signature.inputs.map((port, index) =>
    readInput(port, { given, params, top, dtype: dtypeOf(op, index) })
  );
  const attributes = readSettings(op, params, memberPlace(top, "params"));
  const outputs = inferOutputs(op, { inputs, attributes, file });
  const cotangents = readCotangents(op, {
    value: section("cotangents"),
    at: memberPlace(top, "cotangents"),
    outputs,
  });
  return { inputs, attributes, outputs, cotangents };
}

function parseJson(text: string, file: string): Json {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ManifestError(
      `${file}: expected JSON like {"inputs": {"x": {"shape": [2], "data": [1, 2]}}}: ` +
        `${(error as Error).message}`,
    );
  }
}

interface Keys {
  readonly at: Place;
  readonly known: readonly string[];
  /** Names that belong into another section of the case. */
  readonly elsewhere?: { readonly names: readonly string[]; readonly section: string };
}

function readObject(value: Json, { at, known, elsewhere }: Keys): JsonObject {
  if (!isJsonObject(value)) {
    throw manifestError(at, `expected an object, got ${brief(value)}`);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return value;
  throw manifestError(
    memberPlace(at, unknown),
    elsewhere?.names.includes(unknown)
      ? `"${unknown}" belongs under "${elsewhere.section}"`
      : `unknown key${suggestion(unknown, known)}`,
  );
}

function readInput(port: Port, from: {
  readonly given: JsonObject;
  readonly params: JsonObject;
  readonly top: Place;
  readonly dtype: Dtype;
}): CaseInput {
  const { given, params, top, dtype } = from;
  const { name } = port;
  const tensor = memberOf(given, name);
  const param = port.optional === undefined ? undefined : memberOf(params, name);
  const at = memberPlace(memberPlace(top, tensor === undefined ? "params" : "inputs"), name);
  if (tensor !== undefined && param !== undefined) {
    throw manifestError(at, `"${name}" is given under "inputs" and under "params", expected one`);
  }
  const value = tensor ?? param ?? port.optional;
  if (value === undefined) {
    throw manifestError(
      memberPlace(memberPlace(top, "inputs"), name),
      `missing; "${name}" is required: ${port.doc}`,
    );
  }
  const rule = { dtype, bounds: port };
  if (port.optional === undefined) {
    const { shape, values } = readTensor(value, at, rule);
    return { name, type: { shape, dtype }, shape, values };
  }
  const { shape, values } = readOptional(value, at, rule);
  // Ops take what may be left out as vectors, a number as a vector of one.
  return { name, type: { shape: shape.length === 0 ? [1] : shape, dtype }, shape, values };
}

function readOptional(value: Json, at: Place, rule: ElementRule): CaseTensor {
  if (isJsonObject(value)) return readTensor(value, at, rule);
  if (!Array.isArray(value)) {
    return { shape: [], values: pack([readElement(value, at, rule)], rule.dtype) };
  }
  const values = readList(value, at, rule);
  return { shape: [values.length], values };
}

function readSettings(op: Op, params: JsonObject, at: Place): Attributes {
  const fixed = op.expression === undefined ? {} : op.trials[0].attributes;
  const entries = Object.entries(settingsOf(op)).map(([name, setting]) => {
    const place = memberPlace(at, name);
    const value = memberOf(params, name);
    if (value === undefined && setting.default === undefined) {
      throw manifestError(place, `missing; "${name}" is required: ${setting.doc}`);
    }
    if (value === undefined) return [name, setting.default!] as const;
    const model = setting.default ?? op.trials[0].attributes[name];
    if (
      typeof value !== typeof model ||
      (typeof value === "number" && !Number.isFinite(Math.fround(value)))
    ) {
      const wanted = typeof model === "number"
        ? "a finite number of single precision"
        : `a ${typeof model}`;
      throw manifestError(place, `expected ${wanted} (${setting.doc}), got ${brief(value)}`);
    }
    if (setting.choices !== undefined && !setting.choices.includes(String(value))) {
      throw manifestError(
        place,
        `unknown value ${brief(value)}; ${knownWords(String(value), setting.choices)}`,
      );
    }
    return [name, value as number | string | boolean] as const;
  });
  return { ...fixed, ...Object.fromEntries(entries) };
}

function inferOutputs(op: Op, { inputs, attributes, file }: {
  readonly inputs: readonly CaseInput[];
  readonly attributes: Attributes;
  readonly file: string;
}): readonly TensorType[] {
  let types: readonly TensorType[];
  try {
    types = op.infer(inputs.map((input) => input.type), attributes);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ManifestError(`${file}: ${error.message}`, { cause: error });
  }
  for (const { shape } of types) {
    if (shape.every((size) => Number.isSafeInteger(size) && size >= 0)) continue;
    const got = inputs.map((input) => `"${input.name}" ${formatShape(input.shape)}`);
    throw new ManifestError(
      `${file}: "${op.name}" cannot use these shapes and settings: got ${got.join(", ")}, ` +
        `expected what deno task op --list ${op.name} says`,
    );
  }
  return types;
}

function readCotangents(op: Op, { value, at, outputs }: {
  readonly value: Json;
  readonly at: Place;
  readonly outputs: readonly TensorType[];
}): ReadonlyMap<number, Float32Array> {
  const names = op.signature.outputs.map((port) => port.name);
  const given = readObject(value, { at, known: names });
  if (Object.keys(given).length > 0 && op.vjp === undefined) {
    throw manifestError(at, `"${op.name}" has no gradient; leave "cotangents" out`);
  }
  return new Map(
    Object.entries(given).map(([name, cotangent]) => {
      const place = memberPlace(at, name);
      const index = names.indexOf(name);
      const { shape, dtype } = outputs[index];
      if (dtype === "i32") throw manifestError(place, "an output of integers has no cotangent");
      const tensor = readTensor(cotangent, place, { dtype });
      if (formatShape(tensor.shape) !== formatShape(shape)) {
        throw manifestError(
          place,
          `expected shape ${formatShape(shape)}, got ${formatShape(tensor.shape)}`,
        );
      }
      return [index, tensor.values as Float32Array] as const;
    }),
  );
}
