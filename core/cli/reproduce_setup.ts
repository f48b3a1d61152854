/** Everything `reproduce` must know before it plans: manifest, profile, adapter, data. */
import { fileURLToPath } from "node:url";
import { loadUserCorpus } from "../data/load_user_corpus.ts";
import { DeviceError, ManifestError, UsageError } from "../errors.ts";
import { findAdapter } from "../gpu/device.ts";
import { isJsonObject, type Json, memberOf } from "../manifest/json.ts";
import { type ManifestSource, readManifest } from "../manifest/read_manifest.ts";
import {
  type Override,
  type ResolvedManifest,
  resolveManifest,
} from "../manifest/resolve_manifest.ts";
import type { AdapterFacts } from "../plan/adapter_facts.ts";
import { chooseProfile, type ProfileChoice } from "../run/choose_profile.ts";
import {
  type DataPlaces,
  loadUnitData,
  type UnitData,
  USER_CORPUS,
} from "../run/load_unit_data.ts";
import { type BackendName, backendNameOf, type DeviceChoice } from "../run/open_backend.ts";
import { dataDirectories } from "./data_directories.ts";
import { manifestPath } from "./manifest_path.ts";
import type { ReproduceOptions } from "./reproduce_spec.ts";

export interface Reproduction {
  readonly resolved: ResolvedManifest;
  readonly choice: ProfileChoice;
  readonly backend: BackendName;
  readonly adapter: AdapterFacts | null;
  readonly data: UnitData;
  readonly places: DataPlaces;
  /** Folder of the paper's sources; null for an experiment without a paper. */
  readonly paperDir: string | null;
  readonly host: string;
}

const ROOT = new URL("../../", import.meta.url);

/** Reads and checks all of it; nothing is written and nothing is run. */
export async function setUp(experiment: string, options: ReproduceOptions): Promise<Reproduction> {
  const source = readManifest(manifestPath(experiment));
  const backend = backendNameOf(options.device as DeviceChoice);
  const adapter = backend === "webgpu" ? (await findAdapter()).facts : null;
  const choice = options.profile === undefined
    ? chooseProfile(adapter, Object.keys(source.profiles))
    : { profile: options.profile, reason: "asked for with --profile" };
  const resolved = resolveManifest(source, {
    profile: choice.profile,
    overrides: overridesOf(options, source),
  });
  if (
    resolved.manifest.engine.adapter.require === "hardware" &&
    (!adapter || adapter.isFallbackAdapter)
  ) {
    throw new DeviceError(
      `Cannot run profile "${choice.profile}": ${resolved.file} at engine.adapter.require expects a hardware ` +
        `adapter, got ${
          adapter ? `the software adapter "${adapter.description}"` : "the reference backend"
        }`,
    );
  }
  const places = {
    dataDirs: dataDirectories(options.dataDir),
    userCorpus: options.corpus === undefined ? null : await Deno.realPath(options.corpus),
  };
  const data = loadUnitData(resolved.manifest.data, places);
  const paperDir = paperFolder(resolved);
  return { resolved, choice, backend, adapter, data, places, paperDir, host: Deno.hostname() };
}

function paperFolder({ file, manifest: { metadata: { paper } } }: ResolvedManifest): string | null {
  if (paper === undefined) return null;
  const path = fileURLToPath(new URL(paper, ROOT));
  try {
    Deno.statSync(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new ManifestError(`${file}: at metadata.paper: no such file "${path}"`, { cause });
  }
  return path.replace(/[/\\][^/\\]*$/, "");
}

function overridesOf(options: ReproduceOptions, source: ManifestSource): readonly Override[] {
  const overrides: Override[] = [];
  if (options.seeds.length > 0) {
    const seeds = options.seeds.map((text) => {
      // Decimal digits alone, as in a manifest: Number() would also take 0x10 and 1e3.
      if (!/^-?\d+$/.test(text)) throw new UsageError(`--seeds expects integers, got "${text}"`);
      return Number(text);
    });
    overrides.push({ source: "--seeds", patch: { replicates: { seeds } } });
  }
  // A manifest that names the user's corpus has pinned its digest; then --corpus only says where it lies.
  if (options.corpus !== undefined && corpusIdOf(source) !== USER_CORPUS) {
    const { sha256, defaultSplit } = loadUserCorpus(options.corpus);
    const corpus = { id: USER_CORPUS, sha256, split: defaultSplit };
    overrides.push({ source: "--corpus", patch: { data: { corpus } } });
  }
  if (options.executor !== undefined) {
    overrides.push({ source: "--executor", patch: { execution: { executor: options.executor } } });
  }
  if (options.workers !== undefined) {
    overrides.push({ source: "--workers", patch: { execution: { workers: options.workers } } });
  }
  return overrides;
}

function corpusIdOf({ document }: ManifestSource): Json | undefined {
  const data = memberOf(document, "data");
  const corpus = isJsonObject(data) ? memberOf(data, "corpus") : undefined;
  return isJsonObject(corpus) ? memberOf(corpus, "id") : undefined;
}
