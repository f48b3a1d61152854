import { readManifest } from "../../../core/manifest/read_manifest.ts";
import { type ResolvedManifest, resolveManifest } from "../../../core/manifest/resolve_manifest.ts";

/** Resolves the text of a manifest in one of its profiles. */
export function resolvedText(text: string, profile = "smoke"): ResolvedManifest {
  return resolveManifest(readManifest("t.yaml", { readText: () => text }), { profile });
}
