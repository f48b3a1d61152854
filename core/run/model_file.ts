/** A trained model in one file: parameters and states with all that is needed to run it again. */
import { type Tokenizer, tokenizerDigest } from "../data/tokenizer.ts";
import { tokenizerFromJson } from "../data/tokenizer_from_json.ts";
import { StoreError } from "../errors.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import type { Json, JsonObject } from "../manifest/json.ts";
import { withLaterKeys } from "../manifest/model_presets.ts";
import { modelSchema, type ModelSettings } from "../manifest/model_schema.ts";
import { modelOf } from "../models/registry.ts";
import { safetensorsFromBytes, safetensorsToBytes, type TensorFile } from "../store/safetensors.ts";
import type { LeakFacts } from "../store/record.ts";
import { readIfPresent, replaceFile } from "../store/store_io.ts";
import type { ModelTensors, NamedValues } from "../train/model_tensors.ts";

/** Version of the metadata. */
export const MODEL_FILE_SCHEMA = "resnet-bk/model/v1";

/** What is said when a model is saved. */
export interface ModelFileContent extends ModelTensors {
  /** Complete settings of the model in manifest keys. The path of a mixer's module counts from the file's folder. */
  readonly settings: JsonObject;
  readonly tokenizer: Tokenizer;
  /** N that it was trained at. */
  readonly seqLen: number;
  /** Updates done. */
  readonly step: number;
  readonly seed: number;
  /** What it was trained on. */
  readonly corpus: { readonly id: string; readonly sha256: string; readonly split: string };
  /** Nats per token on the validation part; null before it was measured. */
  readonly valLoss: number | null;
  /** What the leak audit of these tensors found; null where none was made. @default null */
  readonly leak?: Pick<LeakFacts, "leaks" | "largestChange"> | null;
  /** Digest of the user's own files behind a model of kind "module"; null for any other. @default null */
  readonly mixerSha256?: string | null;
}

/** What a model file says. */
export interface ModelFile extends Omit<ModelFileContent, "leak" | "mixerSha256"> {
  /** The settings in the names of the code. */
  readonly model: ModelSettings;
  /** Whether a prediction depends on later tokens; losses of such a model are no evidence. */
  readonly leaks: boolean;
  /** Largest change of an earlier logit that the audit after training measured; null where none was made. */
  readonly largestChange: number | null;
  readonly mixerSha256: string | null;
}

/** Texts by key; those of an audit and of a mixer stand only where there was one. */
type Metadata = Readonly<
  & Record<Exclude<keyof typeof READERS, OptionalKey>, string>
  & Partial<Record<OptionalKey, string>>
>;
type OptionalKey = "largest_earlier_change" | "mixer_sha256";

/** States stand behind this in the names of the file. */
const STATE_PREFIX = "state/";

/**
 * Writes a model's file: the old one or the new one is there at every moment.
 *
 * @throws {ManifestError} If the settings are not complete
 * @throws {StoreError} If the disk refuses
 */
export function saveModelFile(path: string, content: ModelFileContent): void {
  const { parameters, states, settings, tokenizer, corpus, leak, mixerSha256 } = content;
  const model = modelSchema.read(settings, { file: path, path: "model", patch: false });
  const metadata: Metadata = {
    format: MODEL_FILE_SCHEMA,
    model: canonicalJson(settings),
    tokenizer: JSON.stringify(tokenizer.toJson()),
    tokenizer_sha256: tokenizerDigest(tokenizer),
    seq_len: String(content.seqLen),
    step: String(content.step),
    seed: String(content.seed),
    corpus_id: corpus.id,
    corpus_sha256: corpus.sha256,
    corpus_split: corpus.split,
    val_loss: JSON.stringify(content.valLoss),
    leaks: String(leak?.leaks ?? !modelOf(model).isCausal(model)),
    ...(leak ? { largest_earlier_change: JSON.stringify(leak.largestChange) } : {}),
    ...(mixerSha256 ? { mixer_sha256: mixerSha256 } : {}),
  };
  const named = Array.from(states, ([name, values]) => [STATE_PREFIX + name, values] as const);
  replaceFile(
    path,
    safetensorsToBytes({ metadata, tensors: new Map([...parameters, ...named]) }),
  );
}

/**
 * Reads a model's file, all of it or nothing. A model around a user's own mixer cannot run before `openModelFile`
 * has loaded that.
 *
 * @throws {StoreError} If there is none, or it is cut off, damaged or of another format or version
 * @throws {ManifestError} If its settings are no model's of this version
 * @throws {DataError} If its tokenizer is not the one that was saved
 */
export function loadModelFile(path: string): ModelFile {
  const bytes = readIfPresent(path);
  if (bytes === null) {
    throw new StoreError(
      `Cannot read the model "${path}": no such file; expected one that "deno task train" wrote`,
    );
  }
  const { metadata, tensors } = safetensorsFromBytes(bytes, { where: path });
  const from = metadataReader(metadata, path);
  const settings = withLaterKeys(from("model"));
  const model = modelSchema.read(settings, { file: path, path: "model", patch: false });
  const largestChange = Object.hasOwn(metadata, "largest_earlier_change")
    ? from("largest_earlier_change")
    : null;
  const leaks = !modelOf(model).isCausal(model) || (largestChange ?? 0) > 0;
  if (from("leaks") !== leaks) throw refusal(path, { key: "leaks", expected: String(leaks) });
  return {
    ...partition(tensors),
    settings,
    model,
    leaks,
    tokenizer: tokenizerFromJson(
      { json: from("tokenizer"), sha256: from("tokenizer_sha256") },
      { where: path },
    ),
    seqLen: from("seq_len"),
    step: from("step"),
    seed: from("seed"),
    corpus: {
      id: from("corpus_id"),
      sha256: from("corpus_sha256"),
      split: from("corpus_split"),
    },
    valLoss: from("val_loss"),
    largestChange,
    mixerSha256: model.kind === "module" ? from("mixer_sha256") : null,
  };
}

function partition(tensors: TensorFile["tensors"]): ModelTensors {
  const parameters = new Map<string, NamedValues>();
  const states = new Map<string, NamedValues>();
  for (const [name, values] of tensors) {
    if (name.startsWith(STATE_PREFIX)) states.set(name.slice(STATE_PREFIX.length), values);
    else parameters.set(name, values);
  }
  return { parameters, states };
}

interface Reader<T> {
  /** What the text must be, in words. */
  readonly expected: string;
  /** The value; undefined where the text is another's. */
  readonly read: (text: string) => T | undefined;
}

const count: Reader<number> = {
  expected: "an integer >= 0",
  read: (text) =>
    /^\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined,
};

const text: Reader<string> = {
  expected: "a text",
  read: (value) => value === "" ? undefined : value,
};

const jsonObject: Reader<JsonObject> = {
  expected: "a JSON object",
  read: (value) => {
    const json = jsonOf(value);
    return typeof json === "object" && json !== null && !Array.isArray(json)
      ? json as JsonObject
      : undefined;
  },
};

/** Every key of the metadata and how its text is read. */
const READERS = {
  format: { expected: `"${MODEL_FILE_SCHEMA}"`, read: (t) => t === MODEL_FILE_SCHEMA || undefined },
  model: jsonObject,
  tokenizer: jsonObject,
  tokenizer_sha256: text,
  seq_len: count,
  step: count,
  seed: count,
  corpus_id: text,
  corpus_sha256: text,
  corpus_split: text,
  val_loss: { expected: "a number or null", read: numberOrNull },
  leaks: {
    expected: "true or false",
    read: (t) => t === "true" ? true : t === "false" ? false : undefined,
  },
  largest_earlier_change: {
    expected: "a number >= 0",
    read: (t) => {
      const json = jsonOf(t);
      return typeof json === "number" && json >= 0 ? json : undefined;
    },
  },
  mixer_sha256: {
    expected: "64 lower-case hexadecimal digits",
    read: (t) => /^[0-9a-f]{64}$/.test(t) ? t : undefined,
  },
} as const satisfies Readonly<Record<string, Reader<unknown>>>;

type ValueOf<K extends keyof typeof READERS> = Exclude<
  ReturnType<(typeof READERS)[K]["read"]>,
  undefined
>;

/** Reads keys of the metadata. The format is checked at once, so that a foreign file is called that. */
function metadataReader(
  metadata: TensorFile["metadata"],
  path: string,
): <K extends keyof typeof READERS>(key: K) => ValueOf<K> {
  const from = <K extends keyof typeof READERS>(key: K): ValueOf<K> => {
    const { expected, read } = READERS[key];
    const value = Object.hasOwn(metadata, key) ? read(metadata[key]) : undefined;
    if (value === undefined) throw refusal(path, { key, expected, got: metadata[key] });
    return value as ValueOf<K>;
  };
  from("format");
  return from;
}

function refusal(
  path: string,
  at: { readonly key: string; readonly expected: string; readonly got?: string | undefined },
): StoreError {
  const got = at.got === undefined ? "" : `, got ${JSON.stringify(at.got.slice(0, 80))}`;
  return new StoreError(
    `Cannot read the model "${path}": at ${at.key}: expected ${at.expected}${got}; it is damaged, or was not ` +
      `written by this version of "deno task train"`,
  );
}

function numberOrNull(value: string): number | null | undefined {
  const json = jsonOf(value);
  return json === null || typeof json === "number" ? json : undefined;
}

/** The JSON value of a text; undefined for a text that is none. */
function jsonOf(value: string): Json | undefined {
  try {
    return JSON.parse(value) as Json;
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
}
