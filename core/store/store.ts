import { StoreError } from "../errors.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import type { Json, JsonObject } from "../manifest/json.ts";
import { sha256Hex } from "../random/sha256.ts";
import { Attempt, checkpointFolder, type ResumePoint } from "./attempt.ts";
import { CampaignLock, type LockOwner } from "./campaign_lock.ts";
import { latestCheckpoint } from "./checkpoint.ts";
import { parseRecord } from "./parse_record.ts";
import type { RunRecord } from "./record.ts";
import {
  folderOf,
  makeFolder,
  namesIn,
  readIfPresent,
  readTextIfPresent,
  replaceFile,
  sizeIfPresent,
  storeIo,
} from "./store_io.ts";
import { isDigest, type StorePaths, storePaths } from "./store_paths.ts";

/** Content of a store's VERSION file. */
export const STORE_VERSION = "resnet-bk/store/v1";

/** Keys remembered per logical name. */
const KEPT_REFS = 20;

/** A unit about to be run. */
export interface AttemptOf {
  /** Logical name, "phase4/smoke/resnet-bk/seq_len=128/seed=42". */
  readonly name: string;
  /** The document whose digest the key is. */
  readonly preimage: JsonObject;
}

/** Where a unit can go on, and checkpoints that had to be passed over. */
export interface ResumeSearch {
  readonly point: ResumePoint | null;
  readonly rejected: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Results on disk, addressed by content (docs/harness.md §4). A unit is done when its
 * `record.json` exists; that file is written last and never changed. Several processes may write
 * different units at the same time.
 */
export class Store {
  readonly root: string;
  readonly paths: StorePaths;

  private constructor(root: string) {
    this.root = root;
    this.paths = storePaths(root);
  }

  /**
   * Opens the store at `root`; with `create`, makes one in a folder that is missing or empty.
   *
   * @throws {StoreError} If there is none, it has another version, or the folder holds other things.
   */
  static open(root: string, options: { readonly create: boolean }): Store {
    const store = new Store(root.replace(/[/\\]+$/, ""));
    const version = readTextIfPresent(store.paths.version);
    if (version === null) {
      if (!options.create) {
        throw new StoreError(
          `Cannot open the store "${root}": there is none; run an experiment first`,
        );
      }
      store.#create();
    } else if (version.trim() !== STORE_VERSION) {
      throw new StoreError(
        `Cannot open the store "${root}": expected version "${STORE_VERSION}", got ` +
          `"${version.trim()}"; use the release that wrote it, or choose another --out`,
      );
    }
    return store;
  }

  #create(): void {
    const foreign = namesIn(this.root).filter((name) => !name.endsWith(".tmp"));
    if (foreign.length > 0) {
      throw new StoreError(
        `Cannot make a store in "${this.root}": it has no VERSION file but holds "${
          foreign[0]
        }"; ` +
          "choose an empty folder",
      );
    }
    makeFolder(this.root);
    replaceFile(this.paths.version, `${STORE_VERSION}\n`);
  }

  /** Takes the right to drive a campaign. @throws {StoreError} If another process has it. */
  lockCampaign(owner: LockOwner): CampaignLock {
    return CampaignLock.take(this.paths, owner);
  }

  /** Stores bytes under their digest and returns it. Bytes already there are not written again. */
  putBlob(bytes: Uint8Array): string {
    const digest = sha256Hex(bytes);
    const path = this.paths.blob(digest);
    const present = readIfPresent(path);
    if (present !== null && sha256Hex(present) === digest) return digest;
    makeFolder(folderOf(path));
    replaceFile(path, bytes, { readOnly: true });
    return digest;
  }

  /** Bytes of a blob. @throws {StoreError} If it is missing or its bytes do not have this digest. */
  getBlob(digest: string): Uint8Array<ArrayBuffer> {
    const path = this.paths.blob(digest);
    const bytes = readIfPresent(path);
    if (bytes === null) throw new StoreError(`Cannot read "${path}": no such blob in the store`);
    const found = sha256Hex(bytes);
    if (found === digest) return bytes;
    throw new StoreError(`Cannot use "${path}": expected SHA-256 ${digest}, got ${found}`);
  }

  /**
   * Begins a try at a unit: a new numbered folder, the pre-image of its key, its logical name.
   *
   * @throws {StoreError} If the unit is sealed, or the key is not the digest of the pre-image.
   */
  beginAttempt(key: string, unit: AttemptOf): Attempt {
    const preimage = canonicalJson(unit.preimage);
    if (sha256Hex(preimage) !== key) {
      throw new StoreError(
        `Cannot begin "${unit.name}": its key ${key} is not that of its pre-image`,
      );
    }
    if (this.isSealed(key)) throw new StoreError(`Cannot begin "${unit.name}": ${key} is sealed`);
    const attempts = this.paths.attempts(key);
    makeFolder(attempts);
    replaceFile(this.paths.preimage(key), preimage);
    this.#remember(unit.name, key);
    const number = 1 + (this.attemptNumbers(key).at(-1) ?? 0);
    const folder = `${attempts}/${number}`;
    storeIo(`create the folder "${folder}"`, () => Deno.mkdirSync(folder));
    return new Attempt({ key, number, folder });
  }

  /** Numbers of the tries at a unit so far, ascending. */
  attemptNumbers(key: string): readonly number[] {
    return namesIn(this.paths.attempts(key)).filter((name) => /^[1-9][0-9]*$/.test(name))
      .map(Number).sort((a, b) => a - b);
  }

  /** The newest sound checkpoint among all tries at a unit. */
  findResumePoint(key: string): ResumeSearch {
    const rejected: { path: string; reason: string }[] = [];
    for (const number of this.attemptNumbers(key).toReversed()) {
      const attemptFolder = `${this.paths.attempts(key)}/${number}`;
      const search = latestCheckpoint(checkpointFolder(attemptFolder));
      rejected.push(...search.rejected);
      if (search.checkpoint !== null) {
        return { point: { ...search.checkpoint, attemptFolder }, rejected };
      }
    }
    return { point: null, rejected };
  }

  /**
   * Seals a unit: its record is written last and makes it done. Outputs must be in the store.
   *
   * @throws {StoreError} If the record is of another unit, an output is missing, the unit is sealed
   *   already, or the disk refuses; the unit then counts as not done.
   */
  seal(attempt: Attempt, record: RunRecord): void {
    const { key } = attempt;
    const path = this.paths.record(key);
    if (this.isSealed(key)) throw new StoreError(`Cannot seal "${path}": it is sealed already`);
    const text = canonicalJson(record as unknown as Json) + "\n"; // a record is plain JSON by contract
    parseRecord(text, { path, key });
    for (const output of record.outputs) {
      const size = sizeIfPresent(this.paths.blob(output.digest));
      if (size === output.bytes) continue;
      throw new StoreError(
        `Cannot seal "${path}": expected output "${output.name}" (${output.digest}) with ` +
          `${output.bytes} bytes in the store, got ${size === null ? "none" : `${size} bytes`}`,
      );
    }
    attempt.close();
    replaceFile(this.paths.recordDigest(key), `${sha256Hex(text)}\n`);
    replaceFile(path, text, { readOnly: true });
  }

  /** Whether a unit is done. */
  isSealed(key: string): boolean {
    return sizeIfPresent(this.paths.record(key)) !== null;
  }

  /** The record of a unit. @throws {StoreError} If there is none, or it was damaged since it was sealed. */
  readRecord(key: string): RunRecord {
    const path = this.paths.record(key);
    const text = readTextIfPresent(path);
    if (text === null) throw new StoreError(`Cannot read "${path}": the unit is not sealed`);
    const record = parseRecord(text, { path, key });
    const digest = readTextIfPresent(this.paths.recordDigest(key));
    const found = sha256Hex(text);
    if (digest?.trim() === found) return record;
    throw new StoreError(
      `Cannot use the record "${path}": expected SHA-256 ${
        digest?.trim() ?? "(file missing)"
      }, got ` +
        `${found}; it was changed after it was sealed: restore it, or delete its folder`,
    );
  }

  /** Keys of all sealed units, sorted. */
  sealedKeys(): readonly string[] {
    return this.startedKeys().filter((key) => this.isSealed(key));
  }

  /** Keys of all units ever begun, sorted. */
  startedKeys(): readonly string[] {
    return namesIn(this.paths.runs).flatMap((prefix) => namesIn(`${this.paths.runs}/${prefix}`))
      .filter(isDigest);
  }

  /** Pre-image of a key, for the question why a unit runs again. @throws {StoreError} If there is none. */
  readPreimage(key: string): JsonObject {
    const path = this.paths.preimage(key);
    const text = readTextIfPresent(path);
    if (text !== null && sha256Hex(text) === key) return JSON.parse(text);
    throw new StoreError(`Cannot use "${path}": it is ${text === null ? "missing" : "damaged"}`);
  }

  /** The latest keys of a logical name, newest last. */
  keysOf(name: string): readonly string[] {
    const path = this.paths.ref(name);
    const text = readTextIfPresent(path);
    if (text === null) return [];
    const keys = storeIo(`read "${path}"`, (): Json => JSON.parse(text));
    if (Array.isArray(keys)) return keys.map(String);
    throw new StoreError(`Cannot use "${path}": expected a list of keys; it may be deleted`);
  }

  #remember(name: string, key: string): void {
    const path = this.paths.ref(name);
    const keys = [...this.keysOf(name).filter((old) => old !== key), key].slice(-KEPT_REFS);
    makeFolder(folderOf(path));
    replaceFile(path, canonicalJson(keys) + "\n");
  }
}
