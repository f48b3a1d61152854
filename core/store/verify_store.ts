import { StoreError } from "../errors.ts";
import { checkpointFolder } from "./attempt.ts";
import { checkpointNames, readCheckpoint } from "./checkpoint.ts";
import { namesIn, sizeIfPresent } from "./store_io.ts";
import type { Store } from "./store.ts";

/** What a full check of a store found. */
export interface StoreReport {
  /** Blobs and records whose bytes were hashed and agree. */
  readonly soundBlobs: number;
  readonly soundRecords: number;
  /** Everything that does not agree; empty for a sound store. */
  readonly problems: readonly { readonly path: string; readonly problem: string }[];
}

/**
 * Hashes everything in a store again: blobs, records, pre-images and checkpoints; and looks for the
 * outputs that records name. Problems are collected, not thrown.
 */
export function verifyStore(store: Store): StoreReport {
  const problems: { path: string; problem: string }[] = [];
  const sound = (path: string, check: () => void): boolean => {
    try {
      check();
      return true;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      problems.push({ path, problem: error.message });
      return false;
    }
  };
  const soundBlobs = blobDigests(store)
    .filter((digest) => sound(store.paths.blob(digest), () => void store.getBlob(digest))).length;
  const keys = store.startedKeys();
  for (const key of keys) {
    sound(store.paths.preimage(key), () => void store.readPreimage(key));
    problems.push(...checkpointProblems(store, key));
  }
  const soundRecords = keys.filter((key) => store.isSealed(key))
    .filter((key) => sound(store.paths.record(key), () => requireOutputs(store, key))).length;
  return { soundBlobs, soundRecords, problems };
}

function blobDigests(store: Store): readonly string[] {
  const { objects } = store.paths;
  return namesIn(objects).flatMap((prefix) =>
    namesIn(`${objects}/${prefix}`).filter((rest) => !rest.endsWith(".tmp"))
      .map((rest) => prefix + rest)
  );
}

function requireOutputs(store: Store, key: string): void {
  for (const output of store.readRecord(key).outputs) {
    const path = store.paths.blob(output.digest);
    if (sizeIfPresent(path) === output.bytes) continue;
    throw new StoreError(`Output "${output.name}" of ${key} is missing or cut short: "${path}"`);
  }
}

/** A checkpoint without a digest was being removed when its process ended, which is no damage. */
function checkpointProblems(store: Store, key: string): { path: string; problem: string }[] {
  return store.attemptNumbers(key).flatMap((number) => {
    const folder = checkpointFolder(`${store.paths.attempts(key)}/${number}`);
    return checkpointNames(folder).flatMap((name) => {
      const path = `${folder}/${name}`;
      if (sizeIfPresent(`${path}.sha256`) === null) return [];
      const found = readCheckpoint(path, { step: 0 });
      return typeof found === "string" ? [{ path, problem: found }] : [];
    });
  });
}
