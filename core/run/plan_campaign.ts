/** From a resolved manifest to keyed units: what is done, what is to run, under which identity. */
import { expand } from "../experiment/expand.ts";
import type { Unit } from "../experiment/unit.ts";
import { unitKey } from "../experiment/unit_key.ts";
import { type KeyChange, whyChanged } from "../experiment/why_changed.ts";
import type { ResolvedManifest } from "../manifest/resolve_manifest.ts";
import type { DataSettings } from "../manifest/unit_config.ts";
import { sha256Hex } from "../random/sha256.ts";
import type { Store } from "../store/store.ts";
import type { BackendName } from "./open_backend.ts";
import { codeRevision, unitCodeIdentity } from "./module_graph.ts";
import { resolveMixers } from "./resolve_mixers.ts";
import type { UnitJob } from "./run_unit.ts";

/** A planned unit and why it runs or does not. */
export interface PlannedJob extends UnitJob {
  readonly sealed: boolean;
  /** What changed since the latest run of the same name; empty for a unit that never ran. */
  readonly changes: readonly KeyChange[];
}

export interface Campaign {
  readonly resolved: ResolvedManifest;
  readonly jobs: readonly PlannedJob[];
}

/** Generator behind every stream; part of each key. */
const RANDOM_ALGORITHM = "threefry2x32-20";

/**
 * Expands a manifest and looks every unit up in the store, which may be null when there is none yet.
 *
 * @throws {ManifestError} If the manifest cannot be expanded, or a module that it names cannot be loaded
 */
export async function planCampaign(resolved: ResolvedManifest, options: {
  readonly store: Store | null;
  readonly backend: BackendName;
}): Promise<Campaign> {
  const { store, backend } = options;
  const units = await resolveMixers(expand(resolved), resolved);
  const [code, revision] = await Promise.all([unitCodeIdentity(), codeRevision()]);
  const shaders = Object.entries(code.files).filter(([path]) => path.startsWith("shaders/"));
  const facts = {
    manifestDigest: resolved.digest,
    code: { digest: code.digest, ...revision },
    shaderDigest: sha256Hex(JSON.stringify(shaders)),
  };
  const ingredients = {
    inputs: inputsOf(resolved.manifest.data),
    code: code.digest,
    environment: { deno: Deno.version.deno, backend },
    randomAlgorithm: RANDOM_ALGORITHM,
  };
  const jobs = units.map(({ unit, ...mixer }): PlannedJob => {
    const { key, preimage } = unitKey(unit, ingredients);
    const sealed = store?.isSealed(key) ?? false;
    const changes = store && !sealed ? changesSince(store, { unit, key, preimage }) : [];
    return { unit, key, preimage, facts, sealed, changes, ...mixer };
  });
  return { resolved, jobs };
}

/** Digests of what is read; a task is made by the code from the settings in the key. */
function inputsOf(data: DataSettings): Readonly<Record<string, string>> {
  return "task" in data ? {} : { corpus: data.corpus.sha256 };
}

function changesSince(store: Store, job: {
  readonly unit: Unit;
  readonly key: string;
  readonly preimage: UnitJob["preimage"];
}): readonly KeyChange[] {
  const latest = store.keysOf(job.unit.name).filter((key) => key !== job.key).at(-1);
  return latest === undefined ? [] : whyChanged(store.readPreimage(latest), job.preimage);
}
