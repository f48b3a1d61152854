/** Finds the modules that arms name under `model.module`, loads them, and writes their digests into the units. */
import { dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { HarnessError } from "../errors.ts";
import type { CodeIdentity } from "../experiment/code_identity.ts";
import type { Unit } from "../experiment/unit.ts";
import { isJsonObject, type JsonObject, memberOf } from "../manifest/json.ts";
import { modelSchema } from "../manifest/model_schema.ts";
import type { ModuleReference } from "../models/loaded_mixers.ts";
import { loadMixer, mixerError, type MixerModule } from "./load_mixer.ts";
import { userCodeIdentity } from "./module_graph.ts";

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
    const where = `${file} (profile ${unit.profile}, arm ${unit.arm})`;
    const mixer = found.get(reference.path) ?? await findMixer(reference, { where, file });
    expectPinned(reference, { ...mixer, where });
    found.set(reference.path, mixer);
    resolved.push({ unit: pinned(unit, mixer), mixer });
  }
  return resolved;
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

async function findMixer(
  { path }: ModuleReference,
  { where, file }: { readonly where: string; readonly file: string },
): Promise<MixerModule> {
  const absolute = resolve(dirname(file), path);
  expectReadable({ where, path }, absolute);
  const url = pathToFileURL(absolute);
  const identity = await identityOf({ where, path }, url);
  const module = {
    where,
    path,
    url: url.href,
    sha256: identity.digest,
    files: ownFiles(identity, url),
  };
  await loadMixer(module);
  return module;
}

function expectReadable(at: Pick<MixerModule, "where" | "path">, absolute: string): void {
  try {
    if (Deno.statSync(absolute).isFile) return;
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound ? "no such file" : (cause as Error).message;
    const what = `expected a file, from the folder of the manifest "${absolute}"`;
    throw mixerError(at, `${what}, got ${why}`, { cause });
  }
  throw mixerError(at, `expected a file, got the folder "${absolute}"`);
}

async function identityOf(
  at: Pick<MixerModule, "where" | "path">,
  url: URL,
): Promise<CodeIdentity> {
  try {
    return await userCodeIdentity(url);
  } catch (cause) {
    if (!(cause instanceof HarnessError)) throw cause;
    const what =
      "expected imports of this project, of its packages and of files in the module's folder";
    throw mixerError(at, `${what}, got: ${cause.message}`, { cause });
  }
}

/** Files that belong to the mixer and not to the harness, whose own code is in every key. */
function ownFiles(identity: CodeIdentity, module: URL): MixerModule["files"] {
  const own = Object.entries(identity.files).filter(([name]) =>
    !/^(core|shaders)\/|^mod\.ts$/.test(name)
  );
  return Object.fromEntries(own.map(([name, sha256]) => [fileUrl(name, module), sha256]));
}

function fileUrl(name: string, module: URL): string {
  const [base, path] = name.startsWith("user:")
    ? [new URL("./", module), name.slice("user:".length)]
    : [new URL("../../", import.meta.url), name];
  return new URL(encodeURI(path), base).href;
}

function expectPinned({ sha256 }: ModuleReference, module: MixerModule): void {
  if (sha256 === null || sha256 === module.sha256) return;
  throw mixerError(
    module,
    `expected code with the pinned SHA-256 ${sha256}, got ${module.sha256}; it or what it imports changed`,
  );
}
