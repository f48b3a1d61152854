/** What `audit-causality` looks at: an arm of a manifest with its first parameters, or a saved model. */
import { isCorpusId } from "../data/corpora.ts";
import { type EvaluationWindows, evaluationWindows } from "../data/evaluation_windows.ts";
import { loadCorpus } from "../data/load_corpus.ts";
import { loadUserCorpus } from "../data/load_user_corpus.ts";
import { splitCorpus } from "../data/split_corpus.ts";
import { DataError, UsageError } from "../errors.ts";
import { rowLossesPlan } from "../evaluate/evaluation_plan.ts";
import type { AuditedModel } from "../evaluate/leak_audit.ts";
import { expand } from "../experiment/expand.ts";
import type { Unit } from "../experiment/unit.ts";
import type { JsonObject } from "../manifest/json.ts";
import { readManifest } from "../manifest/read_manifest.ts";
import { type Override, resolveManifest } from "../manifest/resolve_manifest.ts";
import { readUnitConfig } from "../manifest/unit_config.ts";
import type { ModelConfig } from "../models/registry.ts";
import type { ModelFile } from "../run/model_file.ts";
import { openModelFile } from "../run/open_model_file.ts";
import { loadUnitData } from "../run/load_unit_data.ts";
import { modelPath } from "../run/model_path.ts";
import { resolveMixers } from "../run/resolve_mixers.ts";
import { initialParameters, initialStates } from "../train/initial_parameters.ts";
import { modelTensors } from "../train/model_tensors.ts";
import { dataDirectories } from "./data_directories.ts";
import { manifestPath } from "./manifest_path.ts";

/** A model to audit. */
export interface AuditTarget {
  /** What it is, for people. */
  readonly name: string;
  readonly model: ModelConfig;
  /** Lengths at which tokens are perturbed. */
  readonly lengths: readonly number[];
  /** The model for `batch` sequences of a length, or of more tokens where it has no values for that length alone. */
  readonly at: (length: number, batch: number) => AuditedModel;
  /** N of evaluations. */
  readonly seqLen: number;
  /** Windows of the validation text; null for a task, which has no text. */
  readonly windows: EvaluationWindows | null;
}

export interface TargetOptions {
  readonly experiment: string;
  readonly profile: string;
  readonly set: readonly string[];
  readonly seqLen: number | undefined;
  readonly seed: number | undefined;
  readonly corpus: string | undefined;
  readonly dataDir: string | undefined;
}

/** A prime, and a length at which scans and resolvents run in chunks. */
const LENGTHS = [23, 521];

/** Validation tokens of a saved model's text, at most. */
const EVAL_TOKENS = 16384;

/**
 * The target of a name: the path of a model that train saved, or of its folder, else an arm.
 *
 * @throws {UsageError} If the manifest has no such arm, length or seed
 * @throws {UsageError} If there is no model at the path
 * @throws {StoreError} If the model is damaged or of another version
 * @throws {ManifestError} If the module of its mixer is missing or changed
 * @throws {DataError} If its text is missing or has other bytes than the pinned ones
 */
export async function auditTarget(name: string, options: TargetOptions): Promise<AuditTarget> {
  return /\.safetensors$|\//.test(name)
    ? await savedTarget(modelPath(name), options)
    : await armTarget(name, options);
}

async function savedTarget(path: string, options: TargetOptions): Promise<AuditTarget> {
  if (options.set.length > 0) {
    throw new UsageError(
      `Option --set changes an arm; the model "${path}" is what it was saved as`,
    );
  }
  const file = await openModelFile(path);
  const { model, seqLen, step, tokenizer: { vocabularySize } } = file;
  return {
    name: `${model.kind} of ${path}, step ${step}`,
    model,
    // Longer ones may have more positions than the model has values for.
    lengths: [...new Set([...LENGTHS.filter((length) => length < seqLen), seqLen])],
    at: (_, batch) => ({ model, vocabularySize, shape: { batch, seqLen }, tensors: file }),
    seqLen,
    windows: windowsOf(validOf(file, options), { seqLen, evalTokens: EVAL_TOKENS }),
  };
}

function validOf({ corpus, tokenizer }: ModelFile, options: TargetOptions): Int32Array {
  const { id, sha256, split } = corpus;
  if (!isCorpusId(id) && options.corpus === undefined) {
    throw new DataError(
      `Cannot find the text that the model was trained on, sha256 ${sha256}: it is your own; give it with --corpus`,
    );
  }
  const text = isCorpusId(id)
    ? loadCorpus({ id, sha256 }, { dataDirs: dataDirectories(options.dataDir) })
    : loadUserCorpus(options.corpus!, { sha256 });
  return tokenizer.encodePart(splitCorpus(text, split).valid);
}

async function armTarget(arm: string, options: TargetOptions): Promise<AuditTarget> {
  const source = readManifest(manifestPath(options.experiment));
  const overrides = overridesOf(arm, options);
  const resolved = resolveManifest(source, { profile: options.profile, overrides });
  const planned = unitOf(expand(resolved), { arm, ...options });
  const [{ unit }] = await resolveMixers([planned], { file: source.file });
  const { model, seqLen, seed, data: settings, train } = readUnitConfig(unit.config, {
    where: unit.name,
  });
  const places = {
    dataDirs: dataDirectories(options.dataDir),
    userCorpus: options.corpus ?? null,
  };
  const data = loadUnitData(settings, places);
  const { vocabularySize } = data;
  return {
    name: `${model.kind} of ${unit.name}, first parameters`,
    model,
    lengths: [...new Set([...LENGTHS, seqLen])].sort((a, b) => a - b),
    at: (length, batch) => freshModel({ model, vocabularySize, seed }, { batch, seqLen: length }),
    seqLen,
    windows: data.kind === "text"
      ? windowsOf(data.valid, { seqLen, evalTokens: train.evalTokens })
      : null,
  };
}

function windowsOf(
  ids: Int32Array,
  { seqLen, evalTokens }: { readonly seqLen: number; readonly evalTokens: number },
): EvaluationWindows {
  return evaluationWindows(ids, {
    seqLen,
    evalTokens: Math.max(seqLen, Math.min(evalTokens, ids.length - 1)),
  });
}

function freshModel(
  { seed, ...named }: {
    readonly model: ModelConfig;
    readonly vocabularySize: number;
    readonly seed: number;
  },
  shape: AuditedModel["shape"],
): AuditedModel {
  const plan = rowLossesPlan({ ...named, shape });
  const arenas = { param: initialParameters(plan, seed), state: initialStates(plan) };
  return { ...named, shape, tensors: modelTensors(plan, arenas) };
}

function overridesOf(arm: string, { set }: TargetOptions): readonly Override[] {
  if (set.length === 0) return [];
  const model: JsonObject = Object.fromEntries(set.map((text) => {
    const [, key, value] = /^([a-z0-9_]+)=(.+)$/.exec(text) ?? [];
    if (key === undefined) {
      throw new UsageError(`Option --set: expected key=value as in mode=paper, got "${text}"`);
    }
    return [key, scalarOf(value)];
  }));
  return [{ source: "--set", patch: { arms: { [arm]: { model } } } }];
}

/** true, false, a number, or the text itself. */
function scalarOf(text: string): boolean | number | string {
  if (text === "true" || text === "false") return text === "true";
  return /^-?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) ? Number(text) : text;
}

function unitOf(units: readonly Unit[], wanted: {
  readonly arm: string;
  readonly seqLen: number | undefined;
  readonly seed: number | undefined;
}): Unit {
  const { arm, seqLen, seed } = wanted;
  const unit = units.find((candidate) =>
    candidate.arm === arm && (seqLen ?? candidate.cell.seq_len) === candidate.cell.seq_len &&
    (seed ?? candidate.seed) === candidate.seed
  );
  if (unit) return unit;
  const known = new Set(units.map((other) => `${other.arm} at ${other.cell.seq_len}`));
  throw new UsageError(
    `No unit of arm "${arm}" at length ${seqLen ?? "any"} with seed ${seed ?? "any"}; there are ${
      [...known].join(", ")
    }; a saved model is named by its path`,
  );
}
