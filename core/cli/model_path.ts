import { FINAL_MODEL } from "./train_folder.ts";

/** The model that `--checkpoint` names: a file, or the last model in a folder that train wrote. */
export function modelPath(path: string): string {
  try {
    return Deno.statSync(path).isDirectory ? `${path}/${FINAL_MODEL}` : path;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return path; // whoever reads it says what is missing
    throw error;
  }
}
