/** The folder of a training run: whose it is, and what is put there besides the log. */
import { relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { StoreError, UsageError } from "../errors.ts";
import { whyChanged } from "../experiment/why_changed.ts";
import { isJsonObject, type Json, type JsonObject } from "../manifest/json.ts";
import { movedModule } from "../manifest/module_reference.ts";
import { saveModelFile } from "../run/model_file.ts";
import { FINAL_MODEL } from "../run/model_path.ts";
import { ownFilesDigest } from "../run/resolve_mixers.ts";
import type { TrainedModel } from "../run/train_model.ts";
import type { LeakFacts } from "../store/record.ts";
import { checkpointNames, removeCheckpoints } from "../store/checkpoint.ts";
import {
  makeFolder,
  readTextIfPresent,
  removeIfPresent,
  replaceFile,
  sizeIfPresent,
  storeIo,
} from "../store/store_io.ts";
import type { TrainSetup } from "./train_setup.ts";

const SETTINGS = "config.resolved.json";
/** Files of a run besides its settings and checkpoints. */
const RESULTS = ["metrics.csv", "metrics.json", FINAL_MODEL] as const;
/** Differences that a message names. */
const MOST_CHANGES = 4;

/**
 * Takes the folder for this process, creating it where it is missing; the system gives it back when the process
 * ends, however it ends.
 *
 * @throws {StoreError} If another process trains in it, or it cannot be written
 */
export function lockFolder(saveDir: string): Disposable {
  makeFolder(saveDir);
  const path = `${saveDir}/lock`;
  const file = storeIo(
    `open the lock "${path}"`,
    () => Deno.openSync(path, { read: true, write: true, create: true }),
  );
  if (storeIo(`lock "${path}"`, () => file.tryLockSync(true))) return file;
  file.close();
  throw new StoreError(
    `Cannot train in "${saveDir}": another process does; wait for it, stop it, or choose another --save-dir`,
  );
}

/**
 * Makes the folder this run's: one that holds a run with other settings, or files that would be replaced and are
 * no run's, is refused, or emptied with `restart`.
 *
 * @throws {UsageError} If the folder is another run's
 * @throws {StoreError} If it cannot be written
 */
export function claimFolder(
  { saveDir, resolved }: TrainSetup,
  { restart }: { readonly restart: boolean },
): void {
  if (restart) removeRun(saveDir);
  else refuseOtherRun(saveDir, resolved);
  replaceFile(`${saveDir}/${SETTINGS}`, `${JSON.stringify(resolved, null, 2)}\n`);
}

function refuseOtherRun(saveDir: string, resolved: JsonObject): void {
  const before = settingsIn(saveDir);
  const checkpoints = checkpointNames(`${saveDir}/checkpoints`);
  if (before === null && checkpoints.length === 0) return refuseStrangeFiles(saveDir);
  const changes = whyChanged(before ?? {}, resolved);
  if (changes.length === 0) return;
  const text = changes.slice(0, MOST_CHANGES)
    .map(({ path, before, after }) => `${path}: ${textOf(before)} there, ${textOf(after)} here`);
  const more = changes.length > MOST_CHANGES ? `; ${changes.length - MOST_CHANGES} more` : "";
  throw new UsageError(
    `Cannot train in "${saveDir}": it holds a run with other settings (${
      text.join("; ")
    }${more}); ` +
      `choose another --save-dir, or start anew with --restart`,
  );
}

function refuseStrangeFiles(saveDir: string): void {
  const strange = RESULTS.find((name) => sizeIfPresent(`${saveDir}/${name}`) !== null);
  if (strange === undefined) return;
  throw new UsageError(
    `Cannot train in "${saveDir}": it holds "${strange}", which would be replaced, and no ${SETTINGS} that says ` +
      "whose it is; choose another --save-dir, or replace it with --restart",
  );
}

function settingsIn(saveDir: string): JsonObject | null {
  const path = `${saveDir}/${SETTINGS}`;
  const text = readTextIfPresent(path);
  if (text === null) return null;
  try {
    const value = JSON.parse(text) as Json;
    if (isJsonObject(value)) return value;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
  }
  throw new UsageError(
    `Cannot read "${path}": expected the JSON of a run's settings; restore it, or start anew with --restart`,
  );
}

function removeRun(saveDir: string): void {
  removeCheckpoints(`${saveDir}/checkpoints`);
  for (const name of [...RESULTS, SETTINGS]) removeIfPresent(`${saveDir}/${name}`);
}

/**
 * Path of the model, which is written unless nothing was trained and it is there.
 *
 * @throws {StoreError} If it cannot be written
 */
export function saveTrained(
  { step, epoch, tensors }: TrainedModel,
  { setup, leak }: { readonly setup: TrainSetup; readonly leak: LeakFacts | null },
): string {
  const { saveDir, config, data, mixer } = setup;
  const path = `${saveDir}/${FINAL_MODEL}`;
  if (!epoch && sizeIfPresent(path) !== null) return path;
  const { facts, tokenizer } = data;
  saveModelFile(path, {
    ...tensors,
    settings: savedSettings(setup),
    tokenizer,
    seqLen: config.seqLen,
    step,
    seed: config.seed,
    corpus: { id: facts.id, sha256: facts.text.sha256, split: facts.split },
    valLoss: epoch?.valLoss ?? null,
    leak,
    mixerSha256: mixer === undefined ? null : ownFilesDigest(mixer),
  });
  return path;
}

/** The settings of the model as its file has them: the path of a module counts from the file's own folder. */
function savedSettings({ saveDir, unit: { model }, mixer }: TrainSetup): JsonObject {
  if (mixer === undefined) return model;
  const path = relative(resolve(saveDir), fileURLToPath(mixer.url)).replaceAll("\\", "/");
  const fromHere = path.startsWith("../") ? path : `./${path}`;
  return { ...model, module: movedModule(model.module, () => fromHere) };
}

function textOf(value: Json | undefined): string {
  return value === undefined ? "absent" : JSON.stringify(value);
}
