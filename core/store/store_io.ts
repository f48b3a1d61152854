import { StoreError } from "../errors.ts";

/** What every failed write leaves intact; part of each message. */
const WHAT_IS_SAFE = "nothing already sealed is touched, and the same command goes on from there " +
  "once the cause is removed";

let temporaries = 0;

/**
 * Runs one access to the store; whatever the system refuses becomes a StoreError.
 * `what` is the action with its path: `write "…/record.json"`.
 */
export function storeIo<T>(what: string, body: () => T): T {
  try {
    return body();
  } catch (error) {
    if (error instanceof StoreError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    // The runtime advises to allow everything, which would be wrong here: the place is.
    const why = message.replace(/, run again with the --allow-\S+ flag/, "");
    throw new StoreError(`Cannot ${what}: ${why}; ${WHAT_IS_SAFE}`, { cause: error });
  }
}

/** How a file is replaced. */
export interface ReplaceOptions {
  /** Take away write permission, for content that must not change. @default false */
  readonly readOnly?: boolean;
  /** Wait until the bytes are on the disk, so that a power cut cannot undo them. @default true */
  readonly durable?: boolean;
}

/**
 * Writes a whole file or nothing: to a temporary name beside it, then renamed over it. A process
 * killed at any moment leaves the old content or the new, never a part.
 *
 * @throws {StoreError} If the system refuses, with its reason (no space left, say).
 */
export function replaceFile(
  path: string,
  content: Uint8Array | string,
  options: ReplaceOptions = {},
): void {
  const { readOnly = false, durable = true } = options;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const temporary = `${path}.${Deno.pid}.${++temporaries}.tmp`;
  // A killed process may have left this name: process ids repeat, in containers at once.
  removeIfPresent(temporary);
  try {
    storeIo(`write "${path}"`, () => {
      const mode = readOnly ? 0o444 : 0o644;
      using file = Deno.openSync(temporary, { write: true, createNew: true, mode });
      writeAll(file, bytes);
      if (durable) file.syncSync();
    });
    storeIo(`write "${path}"`, () => Deno.renameSync(temporary, path));
  } catch (error) {
    try {
      removeIfPresent(temporary);
    } catch {
      // The first failure is the one to report; readers ignore temporary names.
    }
    throw error;
  }
  if (durable) syncFolder(folderOf(path));
}

/** Writes all bytes to an open file; the system may take fewer than it is given. */
export function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += file.writeSync(bytes.subarray(done));
}

/** Creates a folder and its parents where they are missing. */
export function makeFolder(path: string): void {
  storeIo(`create the folder "${path}"`, () => Deno.mkdirSync(path, { recursive: true }));
}

/** Bytes of a file, or null if there is none. */
export function readIfPresent(path: string): Uint8Array<ArrayBuffer> | null {
  return storeIo(`read "${path}"`, () => absentAsNull(() => Deno.readFileSync(path)));
}

/** Text of a file, or null if there is none. */
export function readTextIfPresent(path: string): string | null {
  return storeIo(`read "${path}"`, () => absentAsNull(() => Deno.readTextFileSync(path)));
}

/** Size of a file in bytes, or null if there is none. */
export function sizeIfPresent(path: string): number | null {
  return storeIo(`look at "${path}"`, () => absentAsNull(() => Deno.statSync(path).size));
}

/** Removes a file; one that is not there is as good as removed. */
export function removeIfPresent(path: string): void {
  storeIo(`remove "${path}"`, () => absentAsNull(() => Deno.removeSync(path)));
}

/** Names in a folder, sorted; none if there is no such folder. */
export function namesIn(path: string): readonly string[] {
  const names = storeIo(
    `list "${path}"`,
    () => absentAsNull(() => Array.from(Deno.readDirSync(path), (entry) => entry.name)),
  );
  return (names ?? []).sort();
}

/** The folder of a path. */
export function folderOf(path: string): string {
  return path.replace(/[/\\][^/\\]*$/, "");
}

function absentAsNull<T>(body: () => T): T | null {
  try {
    return body();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/** A rename is on the disk once its folder is. Windows cannot open folders and needs no such step. */
function syncFolder(path: string): void {
  if (Deno.build.os === "windows") return;
  storeIo(`write the folder "${path}"`, () => {
    using folder = Deno.openSync(path, { read: true });
    folder.syncSync();
  });
}
