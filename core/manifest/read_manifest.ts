import { ManifestError } from "../errors.ts";
import { isJsonObject, type JsonObject, memberOf } from "./json.ts";
import { fileSchema } from "./manifest_schema.ts";
import { mergeObjects, withoutKeys } from "./merge.ts";
import { movedModule } from "./module_reference.ts";
import { parseYaml } from "./yaml.ts";

/** A named patch of a manifest for one class of machine. */
export interface Profile {
  /** One sentence for the person who chooses. */
  readonly description: string;
  readonly patch: JsonObject;
}

/** A manifest with its base files merged in, before a profile is chosen. */
export interface ManifestSource {
  readonly file: string;
  /** The merged document without `extends` and `profiles`. */
  readonly document: JsonObject;
  readonly profiles: Readonly<Record<string, Profile>>;
}

/** How files are read; tests pass texts. */
export interface ReadManifestOptions {
  /** @default Deno.readTextFileSync */
  readonly readText?: (path: string) => string;
}

/**
 * Reads a manifest and the files it extends. Every file is checked for itself, so that a message
 * names the file in which the wrong key stands.
 *
 * @throws {ManifestError} On a file that is missing, not YAML, or says something unknown.
 */
export function readManifest(file: string, options: ReadManifestOptions = {}): ManifestSource {
  const readText = options.readText ?? Deno.readTextFileSync;
  const merged = readMerged(file, { readText, chain: [] });
  const profiles = memberOf(merged, "profiles");
  return {
    file,
    document: withoutKeys(merged, ["extends", "profiles"]),
    profiles: isJsonObject(profiles) ? profilesOf(profiles, file) : {},
  };
}

interface Reading {
  readonly readText: (path: string) => string;
  /** Files that led here, outermost first. */
  readonly chain: readonly string[];
}

function readMerged(file: string, reading: Reading): JsonObject {
  const chain = [...reading.chain, file];
  if (reading.chain.includes(file)) {
    throw new ManifestError(`${reading.chain[0]}: at extends: a cycle: ${chain.join(" -> ")}`);
  }
  const document = parseYaml(textOf(file, reading), { file });
  fileSchema.read(document, { file, path: "", patch: true });
  const own = document as JsonObject; // the schema above admits objects alone
  const base = memberOf(own, "extends");
  if (typeof base !== "string") return own;
  const merged = readMerged(besides(file, base), { ...reading, chain });
  return mergeObjects(withModulesFrom(merged, base), own);
}

/** A base document in which paths of modules count from the folder of the manifest that extends it. */
function withModulesFrom(base: JsonObject, path: string): JsonObject {
  return Object.fromEntries(
    Object.entries(base).map(([key, value]) => {
      if (!isJsonObject(value)) return [key, value];
      const model = key === "model" ? memberOf(value, "module") : undefined;
      if (model === undefined) return [key, withModulesFrom(value, path)];
      return [key, { ...value, module: movedModule(model, (module) => relativeTo(path, module)) }];
    }),
  );
}

function relativeTo(path: string, module: string): string {
  const moved = besides(path, module);
  return moved.startsWith("../") ? moved : `./${moved}`;
}

function textOf(file: string, reading: Reading): string {
  try {
    return reading.readText(file);
  } catch (error) {
    const from = reading.chain.at(-1);
    const where = from === undefined ? file : `${from}: at extends: "${file}"`;
    const why = error instanceof Deno.errors.NotFound ? "no such file" : (error as Error).message;
    throw new ManifestError(`${where}: cannot be read: ${why}`, { cause: error });
  }
}

/** A path relative to the folder of a file, without "." and inner "..". */
function besides(file: string, relative: string): string {
  const folder = file.replace(/[^/\\]*$/, "");
  const parts: string[] = [];
  for (const part of `${folder}${relative}`.split(/[/\\]/)) {
    if (part === "." || (part === "" && parts.length > 0)) continue;
    const up = part === ".." && parts.length > 0 && parts.at(-1) !== ".." && parts.at(-1) !== "";
    if (up) parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

function profilesOf(profiles: JsonObject, file: string): Readonly<Record<string, Profile>> {
  return Object.fromEntries(
    Object.entries(profiles).map(([name, patch]) => {
      const description = isJsonObject(patch) ? memberOf(patch, "description") : undefined;
      if (!isJsonObject(patch) || typeof description !== "string") {
        throw new ManifestError(
          `${file}: at profiles.${name}.description: missing; this key is required`,
        );
      }
      return [name, { description, patch: withoutKeys(patch, ["description"]) }];
    }),
  );
}
