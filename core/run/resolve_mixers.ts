/** Finds the modules that arms name under `model.module`, loads them, and writes their digests into the units. */
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { HarnessError, UsageError } from "../errors.ts";
import type { CodeIdentity } from "../experiment/code_identity.ts";
import type { Unit } from "../experiment/unit.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import { isJsonObject, type JsonObject, memberOf } from "../manifest/json.ts";
import { modelSchema } from "../manifest/model_schema.ts";
import type { ModuleReference } from "../models/loaded_mixers.ts";
import { sha256Hex } from "../random/sha256.ts";
import { loadMixer, mixerError, type MixerModule, type MixerName } from "./load_mixer.ts";
import { userCodeIdentity } from "./module_graph.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Files of the harness, by their places from the root. */
const HARNESS = /^(core|shaders)\/|^mod\.ts$/;

/** Where the path of a module counts from. */
export interface MixerPlace {
  /** File that names the module, for messages. */
  readonly where: string;
  readonly folder: string;
  /** What the folder is, "the folder of the manifest". */
  readonly from: string;
  /** Key or flag that names the module, for messages. @default "model.module" */
  readonly key?: string;
  /**
   * Code that the digest is of: all in the module's reach, the harness included, or the user's own files alone.
   *
   * @default "reach"
   */
  readonly digestOf?: "reach" | "own files";
  /** What to do where the module is missing. @default nothing is said */
  readonly ifMissing?: string;
}

/** A unit and, where its model has one, the mixer's module. */
export interface UnitWithMixer {
  readonly unit: Unit;
  readonly mixer?: MixerModule;
}

/**
 * Units whose `config.model.module` is `{ path, sha256 }`: the path as the manifest has it, from the manifest's folder,
 * so that no path of this machine enters a key, and the digest of all code that the module reaches. The modules are
 * imported, with the permissions of this process.
 *
 * @param file The manifest
 * @throws {ManifestError} If a module is missing, throws, exports no mixer, or is not the one that is pinned
 */
export async function resolveMixers(
  units: readonly Unit[],
  { file }: { readonly file: string },
): Promise<readonly UnitWithMixer[]> {
  const found = new Map<string, MixerModule>();
  const resolved: UnitWithMixer[] = [];
  for (const unit of units) {
    const reference = referenceOf(unit);
    if (reference === undefined) {
      resolved.push({ unit });
      continue;
    }
    const place = {
      where: `${file} (profile ${unit.profile}, arm ${unit.arm})`,
      folder: dirname(file),
      from: "the folder of the manifest",
    };
    const known = found.get(reference.path);
    if (known) expectPinned(reference, { ...known, where: place.where });
    const mixer = known ?? await resolveMixer(reference, place);
    found.set(reference.path, mixer);
    resolved.push({ unit: pinned(unit, mixer), mixer });
  }
  return resolved;
}

/**
 * Finds one module and imports it, with the permissions of this process.
 *
 * @throws {ManifestError} If it is missing, throws, exports no mixer, or is not the one that is pinned
 * @throws {UsageError} If this process may not run deno, which lists what the module imports
 */
export async function resolveMixer(
  reference: ModuleReference,
  place: MixerPlace,
): Promise<MixerModule> {
  const module = await locateMixer(reference, place);
  // Before the import: code that is refused must not run.
  expectPinned(reference, module);
  await loadMixer(module);
  return module;
}

function referenceOf({ config, name }: Unit): ModuleReference | undefined {
  const at = { file: name, path: "model", patch: false };
  const model = modelSchema.read(memberOf(config, "model") ?? null, at);
  return model.kind === "module" ? model.module : undefined;
}

function pinned(unit: Unit, { path, sha256 }: MixerModule): Unit {
  const model = memberOf(unit.config, "model");
  const settings: JsonObject = isJsonObject(model) ? model : {};
  return { ...unit, config: { ...unit.config, model: { ...settings, module: { path, sha256 } } } };
}

/**
 * Finds one module and digests what it reaches; none of it runs.
 *
 * @throws {ManifestError} If it is missing or imports what it may not
 * @throws {UsageError} If this process may not run deno
 */
export async function locateMixer(
  { path }: Pick<ModuleReference, "path">,
  place: MixerPlace,
): Promise<MixerModule> {
  const { where, folder, key = "model.module", digestOf = "reach" } = place;
  const at = { where, path, key };
  const absolute = resolve(folder, path);
  expectReadable(at, { ...place, absolute });
  expectOutsideHarness(at, absolute);
  const url = pathToFileURL(absolute);
  const identity = await identityOf(at, url);
  const module = { ...at, url: url.href, files: ownFiles(identity, url) };
  const sha256 = digestOf === "reach" ? identity.digest : ownFilesDigest(module);
  return { ...module, sha256 };
}

/** The harness's own code is in the digest of every run; what changes there is no change of a mixer. */
function expectOutsideHarness(at: MixerName, absolute: string): void {
  const place = relative(ROOT, absolute).replaceAll("\\", "/");
  if (!HARNESS.test(place)) return;
  throw mixerError(
    at,
    `expected a module outside of "core/" and "shaders/", which are the harness, got "${place}"; move it, to ` +
      '"mixers/" say',
  );
}

/**
 * Digest of the user's own files in a module's reach, by their places from its folder. The harness is not in it: a
 * saved model outlives its versions, whatever the mixer imports from it.
 */
export function ownFilesDigest({ url, files }: Pick<MixerModule, "url" | "files">): string {
  const folder = dirname(fileURLToPath(url));
  const places = Object.entries(files).map(([file, sha256]) =>
    [relative(folder, fileURLToPath(file)).replaceAll("\\", "/"), sha256] as const
  );
  return sha256Hex(canonicalJson(Object.fromEntries(places)));
}

function expectReadable(
  at: MixerName,
  { absolute, from, ifMissing }: MixerPlace & { readonly absolute: string },
): void {
  try {
    if (Deno.statSync(absolute).isFile) return;
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "no such file" : (cause as Error).message;
    const what = `expected a file, from ${from} "${absolute}"`;
    const advice = ifMissing === undefined ? "" : `; ${ifMissing}`;
    throw mixerError(at, `${what}, got ${why}${advice}`, { cause });
  }
  throw mixerError(at, `expected a file, got the folder "${absolute}"`);
}

async function identityOf(
  at: MixerName,
  url: URL,
): Promise<CodeIdentity> {
  try {
    return await userCodeIdentity(url);
  } catch (cause) {
    if (!(cause instanceof HarnessError) || cause instanceof UsageError) throw cause;
    const what =
      "expected imports of this project, of its packages and of files in the module's folder";
    throw mixerError(at, `${what}, got: ${cause.message}`, { cause });
  }
}

/** Files that belong to the mixer and not to the harness, whose own code is in every key. */
function ownFiles(identity: CodeIdentity, module: URL): MixerModule["files"] {
  const own = Object.entries(identity.files).filter(([name]) => !HARNESS.test(name));
  return Object.fromEntries(own.map(([name, sha256]) => [fileUrl(name, module), sha256]));
}

function fileUrl(name: string, module: URL): string {
  const path = name.startsWith("user:")
    ? join(dirname(fileURLToPath(module)), name.slice("user:".length))
    : join(ROOT, name);
  return pathToFileURL(path).href;
}

function expectPinned({ sha256 }: ModuleReference, module: MixerModule): void {
  if (sha256 === null || sha256 === module.sha256) return;
  throw mixerError(
    module,
    `expected code with the pinned SHA-256 ${sha256}, got ${module.sha256}; it or what it imports changed`,
  );
}
