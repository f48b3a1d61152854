import { isJsonObject, type Json, memberOf } from "./json.ts";
import { modelSchema } from "./model_schema.ts";
import {
  boolean,
  integer,
  manifestError,
  memberPlace,
  name,
  number,
  objectOf,
  oneOf,
  optional,
  type Read,
  type Schema,
  text,
  uniqueList,
  variants,
} from "./schema.ts";
import { taskSchema } from "./task_schema.ts";

const corpus = objectOf({
  id: name,
  /** Digest of the assembled text; other bytes are refused before anything runs. */
  sha256: text({ pattern: /^[0-9a-f]{64}$/, what: "64 lower-case hexadecimal digits" }),
  /** Which documents are for training, validation and test (docs/harness.md). */
  split: name,
});

const tokenizer = variants({
  byte: {},
  word: {
    /** Largest number of ids, the unknown word and the mark of an end included. */
    vocab: integer({ min: 3 }),
    /** Whether words are found by a rule or stand between white space already. */
    text: oneOf("raw", "pretokenised"),
  },
  gpt2: {},
});

const textData = objectOf({ corpus, tokenizer });
const taskData = objectOf({ task: taskSchema });

/** A text and how it becomes tokens, or a task whose sequences are made by a rule. */
export type DataSettings = TextSettings | TaskData;

/** What is read, and how it becomes tokens. */
export type TextSettings = Read<typeof textData>;

/** What is made instead of read. */
export type TaskData = Read<typeof taskData>;

/** Data of one unit: `corpus` with `tokenizer`, or `task`. */
export const dataSchema: Schema<DataSettings> = {
  read: (value, at) => {
    if (!isJsonObject(value) || memberOf(value, "task") === undefined) {
      return textData.read(value, at);
    }
    const other = ["corpus", "tokenizer"].find((key) => Object.hasOwn(value, key));
    if (other === undefined) return taskData.read(value, at);
    throw manifestError(
      memberPlace(at, other),
      "a task makes its own tokens: expected either corpus and tokenizer, or task",
    );
  },
};

/** One training run: AdamW with linear warm-up, measured at regular steps. */
export const trainSchema = objectOf({
  steps: integer({ min: 1 }),
  tokens_per_step: integer({ min: 1 }),
  learning_rate: number({ above: 0 }),
  warmup_steps: integer({ min: 0 }),
  weight_decay: number({ min: 0 }),
  beta1: number({ min: 0, below: 1 }),
  beta2: number({ min: 0, below: 1 }),
  /** Largest global gradient norm; longer gradients are scaled down to it. */
  grad_clip: number({ above: 0 }),
  eval_every: integer({ min: 1 }),
  eval_tokens: integer({ min: 1 }),
  log_every: integer({ min: 1 }),
  /** Micro-batches per update, whose gradients are averaged; absent: one. */
  gradient_accumulation_steps: optional(integer({ min: 1 })),
  /** Computes the inner values of each block again in the backward pass; absent: no. */
  gradient_checkpointing: optional(boolean),
  /** Keeps AdamW's moments in host memory between updates; absent: no. */
  cpu_offloading: optional(boolean),
  /** Stores activations between forward and backward pass in half precision; absent: no. */
  mixed_precision: optional(boolean),
  /** Measures the angle between the model's gradient and the exact one, before and after; absent: no. */
  gradient_cosine: optional(boolean),
});

/** A seed: an unsigned 32-bit integer. */
export const seedSchema = integer({ min: 0, max: 0xffffffff });

/** Training context in tokens. */
export const lengthSchema = integer({ min: 1 });

/** Validation loss in nats per token that a metric waits for. */
export const targetSchema = number({ above: 0 });

/** What a unit measures beyond its loss that takes a setting; a record tells by which it was measured. */
const unitMetrics = objectOf({
  steps_to_target: objectOf({ target: targetSchema }),
});

const unitSchema = objectOf({
  data: dataSchema,
  model: modelSchema,
  train: trainSchema,
  metrics: optional(unitMetrics),
  seq_len: lengthSchema,
  seed: seedSchema,
});

/** Training of one unit. */
export type TrainSettings = Read<typeof trainSchema>;

/** Everything one unit of an experiment depends on besides code, corpus bytes and machine. */
export type UnitConfig = Read<typeof unitSchema>;

/**
 * Reads the settings of one unit from their manifest form (snake_case keys, as in its record).
 * `where` names the source in messages.
 *
 * @throws {ManifestError} On a key that is missing, unknown or of the wrong type.
 */
export function readUnitConfig(config: Json, options: { readonly where: string }): UnitConfig {
  return unitSchema.read(config, { file: options.where, path: "", patch: false });
}

/** Lists of lengths and seeds of an experiment. */
export const lengthsSchema = uniqueList(lengthSchema);
export const seedsSchema = uniqueList(seedSchema);
