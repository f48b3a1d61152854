import { StoreError } from "../errors.ts";
import { sha256Hex } from "../random/sha256.ts";
import {
  makeFolder,
  namesIn,
  readIfPresent,
  readTextIfPresent,
  removeIfPresent,
  replaceFile,
  storeIo,
} from "./store_io.ts";

/** State from which a run goes on after `step` updates. */
export interface Checkpoint {
  readonly step: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** A checkpoint file that cannot be used. */
export interface RejectedCheckpoint {
  readonly path: string;
  readonly reason: string;
}

/** The newest sound checkpoint of a folder, and those that were not sound. */
export interface CheckpointSearch {
  readonly checkpoint: Checkpoint | null;
  /** Newer files that could not be used, each with its reason. */
  readonly rejected: readonly RejectedCheckpoint[];
}

const KEPT = 2;
const NAME = /^step-(\d{12})\.bin$/;
/** A checkpoint and everything beside it: its digest, copies that were set aside, what a kill cut off. */
const ANY_NAME = /^step-\d{12}\.bin(\..*)?$/;

/**
 * Saves a checkpoint with its digest beside it, the digest first: bytes whose writer was killed are then never
 * there without one. Keeps two, this one and the newest before it, so that a kill in mid-save leaves one.
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
  // Older bytes of the same step would not fit the new digest.
  removeIfPresent(path);
  replaceFile(`${path}.sha256`, `${sha256Hex(bytes)}\n`);
  replaceFile(path, bytes);
  for (const old of othersThan(step, folder).slice(KEPT - 1)) {
    removeIfPresent(`${folder}/${old}.sha256`);
    removeIfPresent(`${folder}/${old}`);
  }
}

/** The other checkpoints, best first. A later step will be done again: an earlier one is worth more. */
function othersThan(step: number, folder: string): readonly string[] {
  const names = checkpointNames(folder);
  return [
    ...names.filter((name) => stepOf(name) < step),
    ...names.filter((name) => stepOf(name) > step),
  ];
}

function stepOf(name: string): number {
  return Number(NAME.exec(name)![1]);
}

/**
 * Renames checkpoints that cannot be used to `<name>.damaged`, and says so in their reasons.
 *
 * @throws {StoreError} If the disk refuses
 */
export function setAside(rejected: readonly RejectedCheckpoint[]): readonly RejectedCheckpoint[] {
  return rejected.map(({ path, reason }) => {
    const kept = `${path}.damaged`;
    storeIo(`rename "${path}" to "${kept}"`, () => Deno.renameSync(path, kept));
    removeIfPresent(`${path}.sha256`);
    return { path, reason: `${reason}; kept as "${kept}"` };
  });
}

/** Removes every checkpoint of a folder and everything beside them. */
export function removeCheckpoints(folder: string): void {
  for (const name of namesIn(folder).filter((name) => ANY_NAME.test(name))) {
    removeIfPresent(`${folder}/${name}`);
  }
}

/** The newest checkpoint in a folder whose bytes have the digest beside them. */
export function latestCheckpoint(folder: string): CheckpointSearch {
  const rejected: { path: string; reason: string }[] = [];
  for (const name of checkpointNames(folder)) {
    const path = `${folder}/${name}`;
    const found = readCheckpoint(path, { step: stepOf(name) });
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
  if (digest === null) return "it has no digest";
  const bytes = readIfPresent(path);
  if (bytes === null) return "it is missing";
  const found = sha256Hex(bytes);
  if (found !== digest.trim()) return `expected SHA-256 ${digest.trim()}, got ${found}`;
  return { step: options.step, bytes };
}
