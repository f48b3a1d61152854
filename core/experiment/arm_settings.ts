import { ManifestError } from "../errors.ts";
import { idleKeys } from "../manifest/idle_keys.ts";
import { isJsonObject, type JsonObject, memberOf } from "../manifest/json.ts";
import { mergeObjects, withoutKeys } from "../manifest/merge.ts";
import { withPreset } from "../manifest/model_presets.ts";
import { MODEL_SHAPES, type ModelKind, modelSchema } from "../manifest/model_schema.ts";
import type { ResolvedManifest } from "../manifest/resolve_manifest.ts";
import { trainSchema, type TrainSettings } from "../manifest/unit_config.ts";

/** One arm with the shared sections merged in. */
export interface ArmSettings {
  readonly name: string;
  /** Complete settings of the arm's model, without the keys that its kind does not have. */
  readonly model: JsonObject;
  readonly train: JsonObject;
  /** `train` in the names of the code. */
  readonly trainSettings: TrainSettings;
}

/**
 * The arms of a manifest, sorted by name. The shared `model` section may hold keys of several
 * kinds of model: each arm takes those its kind has, so that a key of one kind changes no other. An arm with a preset
 * and without a schedule leaves out what the shared section says about that schedule.
 *
 * @throws {ManifestError} On a key that is missing, that has no effect, that the arm's kind does not have, or that no
 * arm reads.
 */
export function armSettings(resolved: ResolvedManifest): readonly ArmSettings[] {
  const shared = resolved.manifest.model;
  const names = Object.keys(resolved.manifest.arms).sort();
  const taken = names.map((name) => takenKeys(resolved, name));
  const arms = names.map((name, k) => settingsOf(resolved, { name, shared: taken[k] }));
  const unread = Object.keys(shared).find((key) =>
    taken.every((keys) => !Object.hasOwn(keys, key))
  );
  if (unread === undefined) return arms;
  throw new ManifestError(
    `${resolved.file}: at model.${unread}: no arm reads this key; its arms are ${
      arms.map((arm) => `${arm.name} (${arm.model.kind})`).join(", ")
    }`,
  );
}

/** What an arm takes of the shared `model` section. */
function takenKeys(
  { manifest: { arms, model: shared } }: ResolvedManifest,
  name: string,
): JsonObject {
  const patch = arms[name].model ?? {};
  const kind = memberOf(patch, "kind") ?? memberOf(shared, "kind");
  const keys = keysOfKind(shared, kind);
  const said = mergeObjects(keys, patch);
  return memberOf(said, "preset") === undefined
    ? keys // all keys are required
    : withoutKeys(keys, [...idleKeys(said).keys()]);
}

function settingsOf(
  resolved: ResolvedManifest,
  { name, shared }: { readonly name: string; readonly shared: JsonObject },
): ArmSettings {
  const patch = resolved.manifest.arms[name];
  const at = { file: `${resolved.file} (profile ${resolved.profile}, arm ${name})`, patch: false };
  const model = withPreset(mergeObjects(shared, patch.model ?? {}), { ...at, path: "model" });
  modelSchema.read(model, { ...at, path: "model" });
  const train = mergeObjects(sectionOf(resolved, "train"), patch.train ?? {});
  const trainSettings = trainSchema.read(train, { ...at, path: "train" });
  return { name, model, train, trainSettings };
}

function keysOfKind(shared: JsonObject, kind: unknown): JsonObject {
  if (typeof kind !== "string" || !Object.hasOwn(MODEL_SHAPES, kind)) return shared;
  const shape = MODEL_SHAPES[kind as ModelKind];
  return Object.fromEntries(
    Object.entries(shared).filter(([key]) =>
      Object.hasOwn(shape, key) || (key === "preset" && kind === "resnet-bk")
    ),
  );
}

function sectionOf(resolved: ResolvedManifest, key: string): JsonObject {
  const section = memberOf(resolved.document, key);
  if (isJsonObject(section)) return section;
  throw new ManifestError(`${resolved.file}: at ${key}: missing; this key is required`);
}
