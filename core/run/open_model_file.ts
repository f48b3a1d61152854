import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { loadMixer, mixerError } from "./load_mixer.ts";
import { loadModelFile, type ModelFile } from "./model_file.ts";
import { locateMixer } from "./resolve_mixers.ts";

/**
 * Reads a model's file and, where the model has one, loads the mixer of the user's own that it was trained with, with
 * the permissions of this process. The harness's part of the mixer may be of another version.
 *
 * @throws {StoreError} As `loadModelFile`
 * @throws {ManifestError} As `loadModelFile`, or if the mixer's module is missing, or it or a file that it imports changed
 * @throws {DataError} As `loadModelFile`
 * @throws {UsageError} If this process may not run deno, which lists what the module imports
 */
export async function openModelFile(path: string): Promise<ModelFile> {
  const file = loadModelFile(path);
  const { model, mixerSha256 } = file;
  if (model.kind !== "module") return file;
  const module = await locateMixer(model.module, {
    where: path,
    folder: dirname(path),
    from: "the folder of the model",
    digestOf: "own files",
    ifMissing:
      "the model keeps the way to its mixer from its own folder: put the files with SHA-256 " +
      `${mixerSha256} there, or the model back to where it was saved`,
  });
  if (module.sha256 !== mixerSha256) {
    throw mixerError(
      module,
      `expected the code that the model was trained with, SHA-256 ${mixerSha256}, got ${module.sha256}; it or a file ` +
        `that it imports changed: restore ${
          Object.keys(module.files).map((url) => fileURLToPath(url)).join(", ")
        }, or train again`,
    );
  }
  await loadMixer(module);
  return { ...file, model: { ...model, module: { path: module.path, sha256: module.sha256 } } };
}
