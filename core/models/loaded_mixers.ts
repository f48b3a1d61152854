/** The mixers of this process that came from modules: importing takes time, and tracing cannot wait. */
import { UsageError } from "../errors.ts";
import type { SequenceMixer } from "./sequence_mixer.ts";

/** A module as a model's settings name it. */
export interface ModuleReference {
  /** Relative to the folder of the manifest. */
  readonly path: string;
  /** Digest of the code in its reach; null in a manifest that does not pin it. */
  readonly sha256: string | null;
}

const mixers = new Map<string, SequenceMixer>();

/** Keeps a mixer for the rest of the process under the digest of its code, which no path on a machine is part of. */
export function keepMixer(sha256: string, mixer: SequenceMixer): void {
  mixers.set(sha256, mixer);
}

/** Whether a mixer is there. */
export function isMixerLoaded(sha256: string): boolean {
  return mixers.has(sha256);
}

/** The mixer of a module. @throws {UsageError} If it was not loaded, as by plan-step and tune */
export function loadedMixer({ path, sha256 }: ModuleReference): SequenceMixer {
  const mixer = sha256 === null ? undefined : mixers.get(sha256);
  if (mixer) return mixer;
  throw new UsageError(
    `Cannot trace a model with the mixer of "${path}": its module is not loaded; reproduce, train and ` +
      "the commands that read a saved model load it, plan-step and tune do not",
  );
}
