import { StoreError, UsageError } from "../errors.ts";

/** Content by file name, written in this order; null means that there must be no such file. */
export type OutputFiles = ReadonlyMap<string, Uint8Array | null>;

/**
 * Writes files into a folder, each complete or not at all, and returns the names of those that
 * changed. Files with the same content stay as they are.
 *
 * @throws {UsageError} If a file exists with other content and `force` is false; nothing is written
 * @throws {StoreError} If the file system refuses a file
 */
export function writeOutputFiles(
  folder: string,
  options: { readonly files: OutputFiles; readonly force: boolean },
): readonly string[] {
  const { files, force } = options;
  const existing = new Map(
    [...files.keys()].map((name) => [name, readIfThere(`${folder}/${name}`)]),
  );
  const changed = [...files].filter(([name, bytes]) => !same(existing.get(name) ?? null, bytes));
  const clash = changed.find(([name]) => existing.get(name) !== null);
  if (clash !== undefined && !force) {
    throw new UsageError(
      `Cannot write to "${folder}": "${clash[0]}" exists with other content; ` +
        `choose another --output, or overwrite it with --force`,
    );
  }
  for (const [name, bytes] of changed) writeWhole(`${folder}/${name}`, bytes);
  return changed.map(([name]) => name);
}

function readIfThere(path: string): Uint8Array | null {
  try {
    return Deno.readFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    if (error instanceof Deno.errors.NotCapable) throw error;
    throw new StoreError(`Cannot read "${path}": ${String(error)}; choose another --output`, {
      cause: error,
    });
  }
}

function same(a: Uint8Array | null, b: Uint8Array | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

function writeWhole(path: string, bytes: Uint8Array | null): void {
  const temporary = `${path}.tmp`;
  try {
    if (bytes === null) return Deno.removeSync(path);
    Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    Deno.writeFileSync(temporary, bytes);
    Deno.renameSync(temporary, path);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    throw new StoreError(
      `Cannot write "${path}": ${String(cause)}; free space or choose another --output`,
      { cause },
    );
  }
}
