/** Imports the mixer that a module exports, so that tracing, which cannot wait, finds it. */
import { ManifestError } from "../errors.ts";
import { sourceDigest } from "../experiment/code_identity.ts";
import { isMixerLoaded, keepMixer } from "../models/loaded_mixers.ts";
import type { SequenceMixer } from "../models/sequence_mixer.ts";

/** How a module was named, for messages. */
export interface MixerName {
  /** Manifest and arm that name it. */
  readonly where: string;
  /** Key or flag that does. */
  readonly key: string;
  /** As the manifest has it. */
  readonly path: string;
}

/** A module found on this machine. No part of it but `path` and `sha256` enters a record. */
export interface MixerModule extends MixerName {
  readonly url: string;
  /** Digest of the code in its reach, or of the user's own files. */
  readonly sha256: string;
  /** The user's own files in its reach: SHA-256 of their LF-normalised bytes by URL. */
  readonly files: Readonly<Record<string, string>>;
}

/**
 * Imports the module once per process. Its code gets the permissions of the process: importing needs to read alone,
 * and a worker may do nothing more than a unit needs.
 *
 * @throws {ManifestError} If a file is not the one that was planned with, the module throws, or it exports no mixer
 */
export async function loadMixer(module: MixerModule): Promise<void> {
  if (isMixerLoaded(module.sha256)) return;
  for (const [url, sha256] of Object.entries(module.files)) expectFile(module, { url, sha256 });
  keepMixer(module.sha256, mixerOf(module, await imported(module)));
}

/** A process that was started later than the campaign was planned must run the code that is in the key. */
function expectFile(
  module: MixerModule,
  { url, sha256 }: { readonly url: string; readonly sha256: string },
): void {
  const got = sourceDigest(Deno.readFileSync(new URL(url)));
  if (got === sha256) return;
  throw mixerError(
    module,
    `"${url}" changed after the campaign was planned: expected SHA-256 ${sha256}, got ${got}; start it again`,
  );
}

async function imported(module: MixerModule): Promise<Readonly<Record<string, unknown>>> {
  try {
    return await import(module.url);
  } catch (cause) {
    const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
    throw mixerError(module, `expected a module that can be imported, got ${text}`, { cause });
  }
}

function mixerOf(
  module: MixerModule,
  exported: Readonly<Record<string, unknown>>,
): SequenceMixer {
  const { mixer } = exported;
  const names = Object.keys(exported).join(", ");
  if (typeof mixer !== "object" || mixer === null) {
    throw mixerError(
      module,
      `expected an export "mixer", a SequenceMixer of mod.ts, got ${names || "no export"}`,
    );
  }
  for (const { key, type, optional } of MEMBERS) {
    const value = (mixer as Readonly<Record<string, unknown>>)[key];
    if (typeof value === type || (optional && value === undefined)) continue;
    throw mixerError(module, `expected mixer.${key} to be a ${type}, got ${typeof value}`);
  }
  return mixer as SequenceMixer;
}

/** What a SequenceMixer must have at run time: the module's types were checked by nobody. */
const MEMBERS = [
  { key: "source", type: "string", optional: false },
  { key: "forward", type: "function", optional: false },
  { key: "streams", type: "boolean", optional: true },
] as const;

/** "experiments/mine.yaml: at model.module: "./my_mixer.ts": …". */
export function mixerError(
  { where, key, path }: MixerName,
  problem: string,
  options: ErrorOptions = {},
): ManifestError {
  return new ManifestError(`${where}: at ${key}: "${path}": ${problem}`, options);
}
