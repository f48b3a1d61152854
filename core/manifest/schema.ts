import { ManifestError } from "../errors.ts";
import { didYouMean } from "./did_you_mean.ts";
import { type CamelKey, camelKey } from "./keys.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** Where a value stands, for messages; and whether it is a patch, in which keys may be missing. */
export interface Place {
  readonly file: string;
  /** Key path, "train.steps"; empty for the whole document. */
  readonly path: string;
  readonly patch: boolean;
  /** Where the value of a path was said, if not here: settings that are laid over each other have several sources. */
  readonly said?: (path: string) => Pick<Place, "file" | "path"> | undefined;
}

/** Reads a JSON value as a T, or throws a ManifestError that names the place. */
export interface Schema<T> {
  readonly optional?: boolean;
  readonly read: (value: Json, at: Place) => T;
}

/** Fields of an object by their manifest key. */
export type Shape = Readonly<Record<string, Schema<unknown>>>;

type OptionalKeys<S extends Shape> = {
  [K in keyof S]: S[K] extends { readonly optional: true } ? K : never;
}[keyof S];

/** The value that a schema reads. */
export type Read<S> = S extends Schema<infer T> ? T : never;

/** What an object of a shape reads as: camelCase names, readonly, optional where the schema says so. */
export type ObjectOf<S extends Shape> =
  & { readonly [K in Exclude<keyof S & string, OptionalKeys<S>> as CamelKey<K>]: Read<S[K]> }
  & { readonly [K in OptionalKeys<S> & string as CamelKey<K>]?: Read<S[K]> };

/** A ManifestError at a place: "experiments/phase4.yaml: at train.steps: expected …". */
export function manifestError(at: Place, problem: string): ManifestError {
  const { file, path } = at.said?.(at.path) ?? at;
  return new ManifestError(`${file}: at ${path === "" ? "the top" : path}: ${problem}`);
}

/** The place of a member of an object. */
export function memberPlace(at: Place, key: string): Place {
  return { ...at, path: at.path === "" ? key : `${at.path}.${key}` };
}

function expected(at: Place, wanted: { readonly what: string; readonly got: Json }): ManifestError {
  return manifestError(at, `expected ${wanted.what}, got ${JSON.stringify(wanted.got)}`);
}

/** "; did you mean "x"? Known keys: …" for a word that is not among the known ones. */
export function suggestion(word: string, known: readonly string[]): string {
  const near = didYouMean(word, known);
  const question = near === null ? "" : `did you mean ${JSON.stringify(near)}? `;
  return `; ${question}Known keys: ${known.join(", ")}`;
}

/** A field that may be left out. */
export function optional<T>(schema: Schema<T>): Schema<T> & { readonly optional: true } {
  return { ...schema, optional: true };
}

/** The same value with every key allowed to be missing: a patch for a value of this schema. */
export function patchOf(schema: Schema<unknown>): Schema<JsonObject> {
  return {
    read: (value, at) => {
      schema.read(value, { ...at, patch: true });
      return value as JsonObject;
    },
  };
}

const MISSING = "missing; this key is required";

/** An object with exactly these keys; an unknown one is an error with a suggestion. */
export function objectOf<S extends Shape>(shape: S): Schema<ObjectOf<S>> {
  const known = Object.keys(shape);
  return {
    read: (value, at) => {
      if (!isJsonObject(value)) {
        throw expected(at, { what: `keys (${known.join(", ")})`, got: value });
      }
      for (const key of Object.keys(value)) {
        if (Object.hasOwn(shape, key)) continue;
        throw manifestError(memberPlace(at, key), `unknown key${suggestion(key, known)}`);
      }
      const entries = known.flatMap((key) => {
        if (Object.hasOwn(value, key)) {
          return [[camelKey(key), shape[key].read(value[key], memberPlace(at, key))] as const];
        }
        if (at.patch || shape[key].optional === true) return [];
        throw manifestError(memberPlace(at, key), MISSING);
      });
      return Object.fromEntries(entries) as ObjectOf<S>;
    },
  };
}

/** What a choice of shapes by `kind` reads as: one of the shapes, with its kind. */
export type VariantOf<V extends Readonly<Record<string, Shape>>> = {
  [K in keyof V & string]: { readonly kind: K } & ObjectOf<V[K]>;
}[keyof V & string];

/** An object whose key `kind` says which of several shapes its other keys have. */
export function variants<V extends Readonly<Record<string, Shape>>>(
  shapes: V,
): Schema<VariantOf<V>> {
  const kind = oneOf(...Object.keys(shapes));
  const anyKind = objectOf(Object.assign({}, ...Object.values(shapes), { kind }) as Shape);
  return {
    read: (value, at) => {
      if (!isJsonObject(value) || !Object.hasOwn(value, "kind")) {
        if (isJsonObject(value) && !at.patch) throw manifestError(memberPlace(at, "kind"), MISSING);
        // A patch may leave the kind to what it patches: it is read again when it has been laid over that.
        return anyKind.read(value, at) as VariantOf<V>;
      }
      const chosen = kind.read(value.kind, memberPlace(at, "kind"));
      return objectOf({ kind, ...shapes[chosen] }).read(value, at) as unknown as VariantOf<V>;
    },
  };
}

/** Names chosen by the author of the manifest (arms, profiles), each with a value of one schema. */
export function recordOf<T>(value: Schema<T>): Schema<Readonly<Record<string, T>>> {
  return {
    read: (given, at) => {
      if (!isJsonObject(given) || (!at.patch && Object.keys(given).length === 0)) {
        throw expected(at, { what: "at least one named entry", got: given });
      }
      return Object.fromEntries(
        Object.entries(given).map(([name, item]) => {
          const place = memberPlace(at, name);
          if (!NAME.test(name)) throw expected(place, { what: NAME_RULE, got: name });
          return [name, value.read(item, place)];
        }),
      );
    },
  };
}

/** Names become folders of the store and macro names of the paper, so their letters are few. */
const NAME = /^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/;
const NAME_RULE = 'a name of lower-case letters, digits, "-" and "_"';

/** A name of lower-case letters, digits, "-" and "_". */
export const name: Schema<string> = text({ pattern: NAME, what: NAME_RULE });

/** Text; with a pattern, `what` says in words what the pattern admits. */
export function text(
  rule: { readonly pattern: RegExp; readonly what: string } = { pattern: /\S/, what: "text" },
): Schema<string> {
  return {
    read: (value, at) => {
      if (typeof value === "string" && rule.pattern.test(value)) return value;
      throw expected(at, { what: rule.what, got: value });
    },
  };
}

/** An integer between bounds, both included. */
export function integer(
  bounds: { readonly min: number; readonly max?: number },
): Schema<number> {
  const max = bounds.max ?? Number.MAX_SAFE_INTEGER;
  const what = bounds.max === undefined
    ? `an integer >= ${bounds.min}`
    : `an integer in ${bounds.min}..${bounds.max}`;
  return {
    read: (value, at) => {
      if (Number.isInteger(value) && Number(value) >= bounds.min && Number(value) <= max) {
        return Number(value);
      }
      throw expected(at, { what, got: value });
    },
  };
}

/** Bounds of a number; `min` and `max` are included, `above` and `below` are not. */
export interface NumberBounds {
  readonly min?: number;
  readonly above?: number;
  readonly below?: number;
  readonly max?: number;
}

/** A finite number within bounds. */
export function number(bounds: NumberBounds): Schema<number> {
  const { min = -Infinity, above = -Infinity, below = Infinity, max = Infinity } = bounds;
  const rules = [
    bounds.min === undefined ? "" : ` >= ${min}`,
    bounds.above === undefined ? "" : ` > ${above}`,
    bounds.below === undefined ? "" : ` < ${below}`,
    bounds.max === undefined ? "" : ` <= ${max}`,
  ].filter((rule) => rule !== "").join(" and");
  return {
    read: (value, at) => {
      const good = typeof value === "number" && Number.isFinite(value) && value >= min &&
        value > above && value < below && value <= max;
      if (good) return value;
      throw expected(at, { what: `a number${rules}`, got: value });
    },
  };
}

/** true or false. */
export const boolean: Schema<boolean> = {
  read: (value, at) => {
    if (typeof value === "boolean") return value;
    throw expected(at, { what: "true or false", got: value });
  },
};

/** One of a closed set of words. */
export function oneOf<const W extends readonly string[]>(...words: W): Schema<W[number]> {
  return {
    read: (value, at) => {
      if (typeof value === "string" && words.includes(value)) return value;
      const near = typeof value === "string" ? didYouMean(value, words) : null;
      const question = near === null ? "" : `; did you mean ${JSON.stringify(near)}?`;
      throw manifestError(
        at,
        `expected one of ${words.join(", ")}, got ${JSON.stringify(value)}${question}`,
      );
    },
  };
}

/** A list with at least `min` entries (default 1), no two of them equal. */
export function uniqueList<T extends string | number>(item: Schema<T>): Schema<readonly T[]> {
  return {
    read: (value, at) => {
      if (!Array.isArray(value) || value.length === 0) {
        throw expected(at, { what: "a list with at least one entry", got: value });
      }
      const items = value.map((entry, i) => item.read(entry, { ...at, path: `${at.path}[${i}]` }));
      items.forEach((entry, i) => {
        const first = items.indexOf(entry);
        if (first === i) return;
        throw manifestError(
          { ...at, path: `${at.path}[${i}]` },
          `${JSON.stringify(entry)} stands twice, first at [${first}]; entries must be unique`,
        );
      });
      return items;
    },
  };
}
