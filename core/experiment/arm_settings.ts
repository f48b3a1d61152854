import { ManifestError } from "../errors.ts";
import { isJsonObject, type JsonObject, memberOf } from "../manifest/json.ts";
import { mergeObjects } from "../manifest/merge.ts";
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
 * kinds of model: each arm takes those its kind has, so that a key of one kind changes no other.
 *
 * @throws {ManifestError} On a key that is missing, that the arm's kind does not have, or that no arm reads.
 */
export function armSettings(resolved: ResolvedManifest): readonly ArmSettings[] {
  const shared = resolved.manifest.model;
  const names = Object.keys(resolved.manifest.arms).sort();
  const arms = names.map((name) => settingsOf(resolved, name));
  const unread = Object.keys(shared).find((key) =>
    arms.every((arm) => !Object.hasOwn(arm.model, key) && !readsPreset(arm, key))
  );
  if (unread === undefined) return arms;
  throw new ManifestError(
    `${resolved.file}: at model.${unread}: no arm reads this key; its arms are ${
      arms.map((arm) => `${arm.name} (${arm.model.kind})`).join(", ")
    }`,
  );
}

/** A preset is replaced by what it stands for. */
function readsPreset({ model }: ArmSettings, key: string): boolean {
  return key === "preset" && model.kind === "resnet-bk";
}

function settingsOf(resolved: ResolvedManifest, name: string): ArmSettings {
  const patch = resolved.manifest.arms[name];
  const file = `${resolved.file} (profile ${resolved.profile}, arm ${name})`;
  const shared = resolved.manifest.model;
  const kind = memberOf(patch.model ?? {}, "kind") ?? memberOf(shared, "kind");
  const said = mergeObjects(keysOfKind(shared, kind), patch.model ?? {});
  const model = withPreset(said, { file, path: "model", patch: false });
  modelSchema.read(model, { file, path: "model", patch: false });
  const train = mergeObjects(sectionOf(resolved, "train"), patch.train ?? {});
  const trainSettings = trainSchema.read(train, { file, path: "train", patch: false });
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
