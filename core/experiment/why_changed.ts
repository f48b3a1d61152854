import { canonicalJson } from "../manifest/canonical_json.ts";
import { isJsonObject, type Json, type JsonObject, memberOf } from "../manifest/json.ts";

/** One ingredient of a key that is not what it was; undefined where it was or is absent. */
export interface KeyChange {
  /** "config.train.learning_rate", "code", … */
  readonly path: string;
  readonly before: Json | undefined;
  readonly after: Json | undefined;
}

/** Why two keys differ: the leaves at which their pre-images differ, sorted by path. */
export function whyChanged(before: JsonObject, after: JsonObject): readonly KeyChange[] {
  return changesAt("", { before, after });
}

function changesAt(
  path: string,
  pair: { readonly before: Json | undefined; readonly after: Json | undefined },
): readonly KeyChange[] {
  const { before, after } = pair;
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) =>
      changesAt(path === "" ? key : `${path}.${key}`, {
        before: memberOf(before, key),
        after: memberOf(after, key),
      })
    );
  }
  return textOf(before) === textOf(after) ? [] : [{ path, before, after }];
}

function textOf(value: Json | undefined): string {
  return value === undefined ? "absent" : canonicalJson(value);
}
