/** What is to be trained: preset, then file, then command line, in the names of manifests. */
import type { TokenizerSettings } from "../data/fit_tokenizer.ts";
import { UsageError } from "../errors.ts";
import { knownWords } from "../manifest/did_you_mean.ts";
import { isJsonObject, type Json, type JsonObject } from "../manifest/json.ts";
import { withPreset } from "../manifest/model_presets.ts";
import { modelSchema } from "../manifest/model_schema.ts";
import { manifestError, memberPlace, type Place, suggestion } from "../manifest/schema.ts";
import { byteTokenizer } from "../data/byte_tokenizer.ts";
import { GPT2_VOCABULARY } from "../data/gpt2_tokenizer.ts";
import type { GivenSetting } from "./train_command.ts";
import { KEY_OF_NAME, SECTIONS, TRAIN_KEYS, type TrainKey } from "./train_keys.ts";

/** Everything that is decided before the text is read. */
export interface TrainConfig {
  /** Complete settings of the model in manifest keys. */
  readonly model: JsonObject;
  /** Settings of the optimiser in manifest keys. */
  readonly optimiser: JsonObject;
  readonly tokenizer: TokenizerSettings;
  readonly seqLen: number;
  readonly seed: number;
  /** Windows of a micro-batch. */
  readonly batchSize: number;
  readonly epochs: number;
  readonly dataset: string;
  /** Split of the corpus; undefined for its default one. */
  readonly split: string | undefined;
  /** Training tokens that are used; undefined for all. */
  readonly dataLimit: number | undefined;
  /** Validation tokens to score; undefined for what `DEFAULT_EVAL_TOKENS` says. */
  readonly evalTokens: number | undefined;
  /** Where a setting such as "data.dataset" was said; the file where it was not. */
  readonly placeOf: (sets: string) => Place;
}

/** What holds where nothing else is said. */
const DEFAULTS: Readonly<Record<string, Json>> = {
  "model.kind": "resnet-bk",
  "model.d_model": 64,
  "model.n_layers": 4,
  "model.tie_head": true,
  "data.seq_len": 128,
  "data.vocab_size": 30_000,
  "data.tokenizer": "word",
  "data.dataset": "sotu",
  "train.batch_size": 20,
  "train.num_epochs": 3,
  "train.learning_rate": 1e-3,
  "train.warmup_steps": 100,
  "train.weight_decay": 0.01,
  "train.beta1": 0.9,
  "train.beta2": 0.95,
  "train.grad_clip": 0.5,
  "train.seed": 42,
};

/** The same for settings that one kind of model has. */
const KIND_DEFAULTS: Readonly<Record<string, JsonObject>> = {
  "resnet-bk": { preset: "sound" },
  "resolvent-block": {
    n_heads: 4,
    v_max: 3,
    eta_min: 1e-3,
    eta_low: 0.01,
    eta_high: 1,
    eta_dynamic: true,
    mixer_norm: "none",
  },
  transformer: { n_heads: 4 },
};

/** One setting as it was said. */
interface Said {
  readonly sets: string;
  readonly value: Json;
  readonly at: Place;
}

/**
 * The settings of a training run.
 *
 * @throws {ManifestError} On an unknown section, key or value, or settings that do not go together
 * @throws {UsageError} On a part that does not exist yet, or one setting said twice in different ways
 */
export function trainConfig(
  document: Json,
  options: { readonly file: string | undefined; readonly given: readonly GivenSetting[] },
): TrainConfig {
  const file = options.file ?? "command line";
  const said = new Map([
    ...once(fileSettings(document, file)),
    ...once(options.given.map(commandSetting)),
  ]);
  const settings = new Map(Object.entries(DEFAULTS));
  for (const [sets, { value }] of said) settings.set(sets, value);
  const placeOf = (sets: string): Place => said.get(sets)?.at ?? { file, path: sets, patch: false };
  const train = section(settings, "train");
  const { batch_size: batchSize, num_epochs: epochs, seed, eval_tokens, ...optimiser } = train;
  const data = section(settings, "data");
  return {
    model: modelSettings(section(settings, "model"), {
      ...{ file, path: "model", patch: false },
      said: (sets) => said.get(sets)?.at,
    }),
    optimiser,
    tokenizer: tokenizerSettings(data, said.get("data.vocab_size")?.at),
    seqLen: Number(data.seq_len),
    seed: Number(seed),
    batchSize: Number(batchSize),
    epochs: Number(epochs),
    dataset: String(data.dataset),
    split: data.split === undefined ? undefined : String(data.split),
    dataLimit: data.data_limit === undefined ? undefined : Number(data.data_limit),
    evalTokens: eval_tokens === undefined ? undefined : Number(eval_tokens),
    placeOf,
  };
}

function fileSettings(document: Json, file: string): readonly Said[] {
  const top: Place = { file, path: "", patch: false };
  if (!isJsonObject(document)) throw manifestError(top, `expected ${SECTIONS.join(", ")}`);
  return Object.entries(document).flatMap(([name, values]) => {
    const at = memberPlace(top, name);
    if (!SECTIONS.some((section) => section === name)) {
      throw manifestError(at, `unknown section${suggestion(name, SECTIONS)}`);
    }
    if (!isJsonObject(values)) throw manifestError(at, "expected keys with their values");
    return Object.entries(values).flatMap(([word, value]) =>
      saidOf(keyOf(word, { section: name, at }), { value, at: memberPlace(at, word) })
    );
  });
}

function keyOf(word: string, { section, at }: {
  readonly section: string;
  readonly at: Place;
}): TrainKey {
  const key = KEY_OF_NAME.get(word);
  const isHere = ({ sections }: TrainKey): boolean => sections.some((name) => name === section);
  if (key && isHere(key)) return key;
  const place = memberPlace(at, word);
  if (key) throw manifestError(place, `stands in the wrong section: ${key.sections.join(" or ")}`);
  const known = TRAIN_KEYS.filter(isHere).flatMap(({ name, aliases }) => [name, ...aliases]);
  throw manifestError(place, `unknown key; ${knownWords(word, known)}`);
}

function commandSetting({ key, flag, value }: GivenSetting): Said {
  const at = { file: "command line", path: flag, patch: false };
  return saidOf(key, { value, at })[0] ?? { sets: key.sets, value, at };
}

/** The checked value; nothing for a missing part that is switched off. */
function saidOf(
  key: TrainKey,
  { value, at }: { readonly value: Json; readonly at: Place },
): readonly Said[] {
  key.schema.read(value, at);
  if (key.needs !== undefined) {
    if (value === false) return [];
    throw new UsageError(
      `${at.file}: at ${at.path}: not available yet: it needs ${key.needs}; leave it out`,
    );
  }
  return [{ sets: key.sets, value: key.as?.(value) ?? value, at }];
}

/** Settings by what they set; the same one said twice must say the same. */
function once(settings: readonly Said[]): ReadonlyMap<string, Said> {
  const found = new Map<string, Said>();
  for (const said of settings) {
    const other = found.get(said.sets);
    if (other && other.value !== said.value) {
      throw new UsageError(
        `${said.at.file}: at ${said.at.path}: ${
          JSON.stringify(said.value)
        } contradicts ${other.at.path}, ` +
          `which says ${JSON.stringify(other.value)}; leave one of them out`,
      );
    }
    found.set(said.sets, said);
  }
  return found;
}

function section(settings: ReadonlyMap<string, Json>, name: string): JsonObject {
  return Object.fromEntries(
    [...settings].filter(([sets]) => sets.startsWith(`${name}.`))
      .map(([sets, value]) => [sets.slice(name.length + 1), value]),
  );
}

function modelSettings(said: JsonObject, at: Place): JsonObject {
  expectModuleKind(said, at);
  const settings = withPreset({ ...KIND_DEFAULTS[String(said.kind)], ...said }, at);
  modelSchema.read(settings, at);
  return settings;
}

/** A module beside another kind of model would be called an unknown key, which is no help. */
function expectModuleKind({ kind, module }: JsonObject, at: Place): void {
  if (module === undefined || kind === "module") return;
  const place = memberPlace(at, "module");
  const isFlag = at.said?.(place.path)?.path.startsWith("-");
  throw manifestError(
    place,
    `belongs to models of kind "module", got kind "${kind}"; ${
      isFlag ? "add --kind module" : 'say "kind: module" beside it'
    }`,
  );
}

/** A vocabulary size that was asked for must be the one of a tokenizer whose size is fixed. */
function tokenizerSettings(data: JsonObject, asked: Place | undefined): TokenizerSettings {
  const vocab = Number(data.vocab_size);
  const kind = String(data.tokenizer) as TokenizerSettings["kind"];
  if (kind === "word") return { kind, vocab, text: "raw" };
  const size = kind === "byte" ? byteTokenizer.vocabularySize : GPT2_VOCABULARY;
  if (!asked || vocab === size) return { kind };
  throw new UsageError(
    `${asked.file}: at ${asked.path}: the ${kind} tokenizer has ${size} ids, got ${vocab}; leave it out, or use ` +
      `the tokenizer "word"`,
  );
}
