import { ManifestError } from "../errors.ts";
import { jsonDigest } from "./canonical_json.ts";
import type { JsonObject } from "./json.ts";
import { fileSchema, type Manifest, manifestSchema } from "./manifest_schema.ts";
import { mergeObjects, withoutKeys } from "./merge.ts";
import type { ManifestSource } from "./read_manifest.ts";
import { suggestion } from "./schema.ts";

/** A change made outside the manifest, "--seeds" say, in manifest keys. */
export interface Override {
  /** What messages call it. */
  readonly source: string;
  readonly patch: JsonObject;
}

/** A manifest in which everything is decided. */
export interface ResolvedManifest {
  readonly file: string;
  readonly profile: string;
  /** The merged document in manifest keys. */
  readonly document: JsonObject;
  /** The same in the names of the code. */
  readonly manifest: Manifest;
  /** SHA-256 of the canonical JSON of `document` without `execution`, which changes no result. */
  readonly digest: string;
}

/**
 * Applies a profile, then the overrides in order, and checks that nothing is missing.
 *
 * @throws {ManifestError} On an unknown profile, or a resolved manifest that is not complete.
 */
export function resolveManifest(
  source: ManifestSource,
  options: { readonly profile: string; readonly overrides?: readonly Override[] },
): ResolvedManifest {
  const { profile, overrides = [] } = options;
  const names = Object.keys(source.profiles);
  if (!names.includes(profile)) {
    throw new ManifestError(
      `${source.file}: at profiles.${profile}: no such profile${suggestion(profile, names)}`,
    );
  }
  let document = mergeObjects(source.document, source.profiles[profile].patch);
  for (const override of overrides) {
    fileSchema.read(override.patch, { file: override.source, path: "", patch: true });
    document = mergeObjects(document, override.patch);
  }
  const file = `${source.file} (profile ${profile})`;
  const manifest = manifestSchema.read(document, { file, path: "", patch: false });
  const digest = jsonDigest(withoutKeys(document, ["execution"]));
  return { file: source.file, profile, document, manifest, digest };
}
