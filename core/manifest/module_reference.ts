/** How a manifest names a module of the user's own: a path, or a path with the digest of its code. */
import type { ModuleReference } from "../models/loaded_mixers.ts";
import { isJsonObject, type Json } from "./json.ts";
import { objectOf, type Schema, text } from "./schema.ts";

/** A path of the machine would make records differ between machines, so it is relative. */
const path = text({
  pattern: /^\.\.?\/.*\.(ts|js|mjs)$/,
  what:
    'a relative path of a .ts, .js or .mjs file that starts with ./ or ../, "./my_mixer.ts" say',
});

const pinned = objectOf({
  path,
  sha256: text({ pattern: /^[0-9a-f]{64}$/, what: "64 lower-case hexadecimal digits" }),
});

/** `./my_mixer.ts`, or `{ path: ./my_mixer.ts, sha256: … }` to refuse other code. */
export const moduleReference: Schema<ModuleReference> = {
  read: (value, at) =>
    isJsonObject(value) ? pinned.read(value, at) : { path: path.read(value, at), sha256: null },
};

/** The same reference, in manifest form, with another path. */
export function movedModule(module: Json, move: (path: string) => string): Json {
  if (typeof module === "string") return move(module);
  if (!isJsonObject(module) || typeof module.path !== "string") return module;
  return { ...module, path: move(module.path) };
}
