import { StoreError } from "../errors.ts";
import { sha256Hex } from "../random/sha256.ts";
import {
  makeFolder,
  namesIn,
  readIfPresent,
  readTextIfPresent,
  removeIfPresent,
  replaceFile,
} from "./store_io.ts";

/** State from which a run goes on after `step` updates. */
export interface Checkpoint {
  readonly step: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The newest sound checkpoint of a folder, and those that were not sound. */
export interface CheckpointSearch {
  readonly checkpoint: Checkpoint | null;
  /** Newer files that could not be used, each with its reason. */
  readonly rejected: readonly { readonly path: string; readonly reason: string }[];
}

const KEPT = 2;
const NAME = /^step-(\d{12})\.bin$/;

/**
 * Saves a checkpoint with its digest beside it, the digest last: without it the bytes do not
 * count. Keeps the latest two, so that a kill in mid-save leaves the one before.
 *
 * @throws {StoreError} If the disk refuses; the older checkpoints stay.
 */
export function saveCheckpoint(folder: string, checkpoint: Checkpoint): void {
  const { step, bytes } = checkpoint;
  if (!Number.isSafeInteger(step) || step < 0 || step >= 1e12) {
    throw new StoreError(
      `Cannot save a checkpoint of step ${step}: expected an integer in 0..1e12`,
    );
  }
  makeFolder(folder);
  const path = `${folder}/step-${String(step).padStart(12, "0")}.bin`;
  // A digest of older bytes of the same step would vouch for the wrong ones.
  removeIfPresent(`${path}.sha256`);
  replaceFile(path, bytes);
  replaceFile(`${path}.sha256`, `${sha256Hex(bytes)}\n`);
  for (const old of checkpointNames(folder).slice(KEPT)) {
    removeIfPresent(`${folder}/${old}.sha256`);
    removeIfPresent(`${folder}/${old}`);
  }
}

/** The newest checkpoint in a folder whose bytes have the digest beside them. */
export function latestCheckpoint(folder: string): CheckpointSearch {
  const rejected: { path: string; reason: string }[] = [];
  for (const name of checkpointNames(folder)) {
    const path = `${folder}/${name}`;
    const found = readCheckpoint(path, { step: Number(NAME.exec(name)![1]) });
    if (typeof found !== "string") return { checkpoint: found, rejected };
    rejected.push({ path, reason: found });
  }
  return { checkpoint: null, rejected };
}

/** Names of the checkpoint files of a folder, newest first. */
export function checkpointNames(folder: string): readonly string[] {
  return namesIn(folder).filter((name) => NAME.test(name)).toReversed();
}

/** The checkpoint of a file, or why it cannot be used. */
export function readCheckpoint(
  path: string,
  options: { readonly step: number },
): Checkpoint | string {
  const digest = readTextIfPresent(`${path}.sha256`);
  if (digest === null) return "it has no digest: its writer was stopped before it was complete";
  const bytes = readIfPresent(path);
  if (bytes === null) return "it is missing";
  const found = sha256Hex(bytes);
  if (found !== digest.trim()) return `expected SHA-256 ${digest.trim()}, got ${found}`;
  return { step: options.step, bytes };
}
