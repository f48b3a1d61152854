import { isJsonObject, type Json, type JsonObject } from "./json.ts";

/** `base` with `patch` laid over it: objects merge key by key, everything else replaces. */
export function mergeObjects(base: JsonObject, patch: JsonObject): JsonObject {
  return Object.fromEntries([
    ...Object.entries(base),
    ...Object.entries(patch).map(([key, value]) => [key, merged(base, { key, value })] as const),
  ]);
}

function merged(base: JsonObject, change: { readonly key: string; readonly value: Json }): Json {
  const old = Object.hasOwn(base, change.key) ? base[change.key] : undefined;
  return isJsonObject(old) && isJsonObject(change.value)
    ? mergeObjects(old, change.value)
    : change.value;
}

/** An object without some of its keys. */
export function withoutKeys(object: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));
}
