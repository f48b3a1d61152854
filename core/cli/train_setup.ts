/** Everything that `train` must know before it computes: settings, text, length of an epoch. */
import { CORPORA, CORPUS_IDS, isCorpusId } from "../data/corpora.ts";
import { loadUserCorpus } from "../data/load_user_corpus.ts";
import { evaluationWindows } from "../data/evaluation_windows.ts";
import { trainingBatches } from "../data/training_batches.ts";
import { DataError, ManifestError, UsageError } from "../errors.ts";
import { knownWords } from "../manifest/did_you_mean.ts";
import type { Unit } from "../experiment/unit.ts";
import type { Json, JsonObject } from "../manifest/json.ts";
import { manifestError, type Place } from "../manifest/schema.ts";
import { readUnitConfig, type UnitConfig } from "../manifest/unit_config.ts";
import { parseYaml } from "../manifest/yaml.ts";
import type { MixerModule } from "../run/load_mixer.ts";
import { loadUnitData, type TextUnitData, USER_CORPUS } from "../run/load_unit_data.ts";
import { dataDirectories } from "./data_directories.ts";
import type { GivenSetting, TrainOptions } from "./train_command.ts";
import { type TrainConfig, trainConfig } from "./train_config.ts";

/** A training run, ready to be planned. */
export interface TrainSetup {
  /** What the whole run depends on, in manifest keys: the same settings give the same bits. */
  readonly resolved: JsonObject;
  /** The part of it that units of experiments have, too. */
  readonly unit: JsonObject & { readonly model: JsonObject; readonly train: JsonObject };
  /** `unit` in the names of the code. */
  readonly config: UnitConfig;
  readonly data: TextUnitData;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  readonly saveDir: string;
  /** Where the module of a mixer was named, or would have been. */
  readonly moduleAt: Place;
  /** The mixer of a model of kind "module", once `withMixer` has loaded it. */
  readonly mixer?: MixerModule;
}

/** Validation tokens that are scored after an epoch unless eval_tokens says so. */
const DEFAULT_EVAL_TOKENS = 32_768;

/**
 * Reads file, flags and text; nothing is written and nothing is run.
 *
 * @throws {ManifestError} On a settings file that is wrong
 * @throws {UsageError} On options that do not go together
 * @throws {DataError} If the text is missing, has other bytes than the pinned ones, or is too short
 */
export function setUpTraining(
  options: TrainOptions,
  given: readonly GivenSetting[],
): TrainSetup {
  const { config: file } = options;
  const config = trainConfig(file === undefined ? {} : documentOf(file), { file, given });
  const corpus = corpusOf(config, options, given);
  const read = loadUnitData({ corpus, tokenizer: config.tokenizer }, {
    dataDirs: dataDirectories(options.dataDir),
    userCorpus: options.corpus ?? null,
  });
  const data = limited(read, config.dataLimit);
  const { seqLen, seed } = config;
  const rows = config.batchSize * Number(config.optimiser.gradient_accumulation_steps ?? 1);
  const { windowsPerEpoch } = trainingBatches(data.train, { seqLen, batchSize: rows, seed });
  const stepsPerEpoch = Math.max(1, Math.floor(windowsPerEpoch / rows));
  const unit = unitOf(config, { corpus, rows, stepsPerEpoch, validTokens: data.valid.length });
  checkEvaluation(config, { data, evalTokens: Number(unit.train.eval_tokens) });
  return {
    resolved: {
      ...unit,
      num_epochs: config.epochs,
      batch_size: config.batchSize,
      data_limit: config.dataLimit ?? null,
    },
    unit,
    config: readUnitConfig(unit, { where: file ?? "command line" }),
    data,
    epochs: config.epochs,
    stepsPerEpoch,
    saveDir: options.saveDir ?? `checkpoints/${nameOf(file)}`,
    moduleAt: config.placeOf("model.module"),
  };
}

/** The run as a unit of an experiment, for what is done with those. */
export function trainingUnit({ config, unit }: TrainSetup): Unit {
  const { model, seqLen, seed } = config;
  return {
    ...{ name: "train", experiment: "train", profile: "train", arm: model.kind },
    ...{ cell: { seq_len: seqLen }, seed, config: unit },
  };
}

function documentOf(file: string): Json {
  let text: string;
  try {
    text = Deno.readTextFileSync(file);
  } catch (cause) {
    const why = cause instanceof Deno.errors.NotFound
      ? "no such file"
      : cause instanceof Error
      ? cause.message
      : String(cause);
    throw new ManifestError(`${file}: cannot be read: expected a file of settings, got: ${why}`, {
      cause,
    });
  }
  // An empty file says nothing, as does one of comments alone.
  return parseYaml(text, { file }) ?? {};
}

/** What would end the run at its first validation ends it before anything is written. */
function checkEvaluation({ seqLen, placeOf }: TrainConfig, { data, evalTokens }: {
  readonly data: TextUnitData;
  readonly evalTokens: number;
}): void {
  if (evalTokens < seqLen) {
    throw manifestError(
      placeOf("train.eval_tokens"),
      `expected at least one window of seq_len = ${seqLen} tokens, got ${evalTokens}`,
    );
  }
  evaluationWindows(data.valid, { seqLen, evalTokens });
}

interface CorpusChoice extends JsonObject {
  readonly id: string;
  readonly sha256: string;
  readonly split: string;
}

function corpusOf(
  config: TrainConfig,
  { corpus }: TrainOptions,
  given: readonly GivenSetting[],
): CorpusChoice {
  if (corpus !== undefined) {
    if (given.some(({ key }) => key.sets === "data.dataset")) {
      throw new UsageError("train: expected one of --dataset <id> or --corpus <path>, got both");
    }
    const { sha256, defaultSplit } = loadUserCorpus(corpus);
    return { id: USER_CORPUS, sha256, split: config.split ?? defaultSplit };
  }
  const { dataset: id, placeOf } = config;
  if (isCorpusId(id)) {
    const { text, defaultSplit } = CORPORA[id];
    return { id, sha256: text.sha256, split: config.split ?? defaultSplit };
  }
  const at = placeOf("data.dataset");
  throw new DataError(
    `${at.file}: at ${at.path}: there is no corpus "${id}"; ${
      knownWords(id, CORPUS_IDS)
    }; your own text is given with --corpus <path>`,
  );
}

function limited(data: TextUnitData, limit: number | undefined): TextUnitData {
  return limit === undefined ? data : { ...data, train: data.train.subarray(0, limit) };
}

function unitOf(config: TrainConfig, at: {
  readonly corpus: CorpusChoice;
  /** Windows per update. */
  readonly rows: number;
  readonly stepsPerEpoch: number;
  readonly validTokens: number;
}): TrainSetup["unit"] {
  const { seqLen, tokenizer } = config;
  const most = Math.max(seqLen, Math.min(DEFAULT_EVAL_TOKENS, at.validTokens - 1));
  return {
    data: { corpus: at.corpus, tokenizer: { ...tokenizer } },
    model: config.model,
    train: {
      ...config.optimiser,
      steps: config.epochs * at.stepsPerEpoch,
      tokens_per_step: at.rows * seqLen,
      eval_every: at.stepsPerEpoch,
      eval_tokens: config.evalTokens ?? most,
      log_every: 1,
    },
    seq_len: seqLen,
    seed: config.seed,
  };
}

/** "docs/examples/small_model.yaml" → "small_model". */
function nameOf(file: string | undefined): string {
  return file === undefined ? "model" : file.replace(/^.*[/\\]/, "").replace(/\.ya?ml$/, "");
}
