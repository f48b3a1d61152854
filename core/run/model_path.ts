import { UsageError } from "../errors.ts";

/** Name of a trained model in the folder of its training. */
export const FINAL_MODEL = "checkpoint_final.safetensors";

/**
 * The model that a path names: a file, or the last model in a folder that train wrote.
 *
 * @throws {UsageError} If there is no such file, or no model in the folder
 */
export function modelPath(path: string): string {
  const found = entryAt(path);
  if (found === null) {
    throw new UsageError(
      `Cannot read the model "${path}": no such file; expected a model that "deno task train" wrote, or its folder`,
    );
  }
  if (!found.isDirectory) return path;
  const inside = `${path.replace(/\/+$/, "")}/${FINAL_MODEL}`;
  if (entryAt(inside) !== null) return inside;
  throw new UsageError(
    `Cannot read a model from the folder "${path}": it has no "${FINAL_MODEL}"; expected the --save-dir of a ` +
      `"deno task train" that has finished, or the path of a model`,
  );
}

function entryAt(path: string): Deno.FileInfo | null {
  try {
    return Deno.statSync(path);
  } catch (error) {
    // A part of the path that is a file is as good as missing.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}
