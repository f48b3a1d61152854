import { StoreError } from "../errors.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import { isJsonObject, type Json } from "../manifest/json.ts";
import { readTextIfPresent, replaceFile, storeIo } from "./store_io.ts";
import type { StorePaths } from "./store_paths.ts";

/** Who drives a campaign, for the message a second driver gets. */
export interface LockOwner {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** The right to drive a campaign on a store. The system takes it back when the process ends, however it ends. */
export class CampaignLock {
  #file: Deno.FsFile | null;

  private constructor(file: Deno.FsFile) {
    this.#file = file;
  }

  /**
   * Takes the lock of a store.
   *
   * @throws {StoreError} If another process drives a campaign on it; the message names the process.
   */
  static take(paths: StorePaths, owner: LockOwner): CampaignLock {
    const file = storeIo(
      `open the lock "${paths.lock}"`,
      () => Deno.openSync(paths.lock, { read: true, write: true, create: true }),
    );
    try {
      const taken = storeIo(`lock "${paths.lock}"`, () => file.tryLockSync(true));
      if (!taken) throw busy(paths);
      replaceFile(paths.lockOwner, canonicalJson({ ...owner }) + "\n", { durable: false });
    } catch (error) {
      file.close();
      throw error;
    }
    return new CampaignLock(file);
  }

  /** Gives the lock back; may be called again. */
  release(): void {
    this.#file?.close();
    this.#file = null;
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** The owner stands in a file of its own: a locked file cannot be read on every system. */
function busy(paths: StorePaths): StoreError {
  return new StoreError(
    `Cannot run in the store of "${paths.lock}": ${
      ownerText(paths)
    } drives a campaign on it; wait ` +
      "for it, stop it, or choose another --out",
  );
}

function ownerText(paths: StorePaths): string {
  const text = readTextIfPresent(paths.lockOwner);
  if (text === null) return "another process";
  try {
    const owner: Json = JSON.parse(text);
    if (isJsonObject(owner)) {
      return `process ${owner.pid} on ${owner.host} (since ${owner.startedAt})`;
    }
  } catch {
    // The owner's file is only a courtesy; the lock itself is what was refused.
  }
  return "another process";
}
