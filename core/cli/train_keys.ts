/**
 * Every setting of `deno task train`: where a file may say it, its flags, and what it sets. A row is the one
 * place that knows a setting's other names.
 */
import type { Json } from "../manifest/json.ts";
import { MODEL_SHAPES } from "../manifest/model_schema.ts";
import { PRESET_NAMES } from "../manifest/model_presets.ts";
import {
  boolean,
  integer,
  name,
  number,
  oneOf,
  type Schema,
  type Shape,
} from "../manifest/schema.ts";
import { seedSchema, trainSchema } from "../manifest/unit_config.ts";

/** Sections of a settings file. */
export const SECTIONS = ["model", "training", "data", "memory_optimization"] as const;
export type Section = typeof SECTIONS[number];

/** How a value is written on the command line. */
export type KeyType = "flag" | "number" | "text";

/** One setting. */
export interface TrainKey {
  /** Name in files; with dashes the flag. */
  readonly name: string;
  /** Further names, in files and as flags. */
  readonly aliases: readonly string[];
  /** Sections of a file that may hold it. */
  readonly sections: readonly Section[];
  readonly type: KeyType;
  readonly schema: Schema<unknown>;
  readonly description: string;
  /** What it sets, "model.d_model". */
  readonly sets: string;
  /** The value that it sets. @default the value as it is */
  readonly as?: (value: Json) => Json;
  /** What must be built before it can be switched on. */
  readonly needs?: string;
}

const SHAPES: Shape = {
  ...MODEL_SHAPES.module,
  ...MODEL_SHAPES.transformer,
  ...MODEL_SHAPES["resolvent-block"],
  ...MODEL_SHAPES["resnet-bk"],
};

/** "d_model=dim: width" → name, aliases, description. */
function parts(text: string): Pick<TrainKey, "name" | "aliases" | "description"> {
  const [names, description] = text.split(": ");
  const [first, ...aliases] = names.split("=");
  return { name: first, aliases, description };
}

function model(text: string, more: Partial<TrainKey> = {}): TrainKey {
  const said = parts(text);
  const schema = SHAPES[said.name];
  const sets = `model.${said.name}`;
  return { ...said, sections: ["model"], type: "number", schema, sets, ...more };
}

function training(text: string, more: Partial<TrainKey> = {}): TrainKey {
  const said = parts(text);
  const schema = (trainSchemaShape as Shape)[said.name];
  const sets = `train.${said.name}`;
  return { ...said, sections: ["training"], type: "number", schema, sets, ...more };
}

/** Settings of the trainer that a manifest has too; read through its schema, so that their bounds agree. */
const trainSchemaShape = Object.fromEntries(
  ["learning_rate", "warmup_steps", "weight_decay", "beta1", "beta2", "grad_clip", "eval_tokens"]
    .concat("gradient_accumulation_steps", "gradient_checkpointing", "cpu_offloading")
    .concat("mixed_precision")
    .map((key) => [key, memberSchema(key)]),
);

/** The schema of one key of `train`, with messages about the key alone. */
function memberSchema(key: string): Schema<unknown> {
  return {
    read: (value, at) => {
      const cut = at.path.lastIndexOf(".");
      const folder = cut < 0 ? "" : at.path.slice(0, cut);
      trainSchema.read({ [key]: value }, { ...at, path: folder, patch: true });
      return value;
    },
  };
}

const FLAG = { type: "flag", schema: boolean } as const;
const TEXT = { type: "text" } as const;
const MEMORY = { ...FLAG, sections: ["training", "memory_optimization"] } as const;
const COUNT = integer({ min: 1 });

/** A part that comes later: refused unless it is switched off. */
function later(text: string, needs: string, more: Partial<TrainKey> = {}): TrainKey {
  const said = parts(text);
  const place = { sections: SECTIONS, sets: `later.${said.name}` };
  return { ...said, ...FLAG, ...place, needs, ...more };
}

const NUMBER = { type: "number", schema: number({}) } as const;

export const TRAIN_KEYS: readonly TrainKey[] = [
  model("kind: resnet-bk, resolvent-block, transformer or module", {
    ...TEXT,
    schema: oneOf("resnet-bk", "resolvent-block", "transformer", "module"),
  }),
  model(
    "module: your own mixer, from the present folder; in a settings file, from that file's folder",
    TEXT,
  ),
  model("config_preset=preset: named settings of resnet-bk, which all others change", {
    ...TEXT,
    schema: oneOf(...PRESET_NAMES),
    sets: "model.preset",
  }),
  model("d_model: width of the residual stream"),
  model("n_layers: blocks"),
  model("tie_head: the output projection is the embedding", FLAG),
  model("mode: causal, or what the write-ups publish, which leaks", TEXT),
  model("bk_direction: causal or bidirectional", TEXT),
  model("grad_mode: gradient of the core", TEXT),
  model("grad_blend: weight of hypothesis7 in a blend", { sections: ["model", "training"] }),
  model("mixer: diagonal or resolvent", TEXT),
  model("bk_channels: resolvent channels per layer"),
  model("h0: laplacian or identity", TEXT),
  model("coupling: fixed or learned", TEXT),
  model("v_max: bound of the potential"),
  model("eta_init=eta: imaginary shift at the start"),
  model("eta_min: its lower bound"),
  model("eta_learned: it is learned", FLAG),
  model("epsilon_schedule: factor of eta over updates, none, linear, cosine or exponential", TEXT),
  model("epsilon_start: that factor before the first update"),
  model("epsilon_end: the factor that it goes to"),
  model("epsilon_steps: updates over which it does"),
  model("semiseparable_rank=low_rank=rank: rank of a low-rank part; mode paper alone"),
  model("prime_bump: none, formula, comb or gue", TEXT),
  model("use_prime_bump=prime_bump_init: prime_bump formula, or none", {
    ...FLAG,
    sets: "model.prime_bump",
    as: (on) => on === true ? "formula" : "none",
  }),
  model("prime_bump_scale: factor of the first potential"),
  model("k_max: largest power of a prime"),
  model("epsilon=eps: width of the bumps, not the factor of eta", {
    sections: ["model", "training"],
  }),
  model("block: residual or symplectic", TEXT),
  model("symplectic_dt: length of a symplectic step"),
  model("router: gate, scattering or arg_g", TEXT),
  model("use_scattering_router: router scattering, or gate", {
    ...FLAG,
    sets: "model.router",
    as: (on) => on === true ? "scattering" : "gate",
  }),
  model("num_experts: experts per block"),
  model("top_k: experts per token"),
  model("load_balance: factor of the load-balance loss"),
  model("z_loss: factor of the gate's z-loss"),
  model("gumbel: temperature of noise on the gate"),
  model("gumbel_schedule: how it changes over updates, none, linear, cosine or exponential", TEXT),
  model("gumbel_end: temperature that it goes to"),
  model("gumbel_steps: updates over which it does"),
  model("n_heads: heads of a transformer or of resolvent blocks"),
  model("eta_low: smallest first shift of resolvent blocks"),
  model("eta_high: largest first shift of resolvent blocks"),
  model("eta_dynamic: the shift of resolvent blocks depends on the token", FLAG),
  model("mixer_norm: norm of the rows of resolvent blocks", TEXT),

  model("n_seq=seq_len: tokens per window", {
    sections: ["model", "data"],
    schema: COUNT,
    sets: "data.seq_len",
  }),
  model("vocab_size: largest number of ids of the word tokenizer", {
    sections: ["model", "data"],
    schema: integer({ min: 3 }),
    sets: "data.vocab_size",
  }),
  training("tokenizer: byte, word or gpt2", {
    ...TEXT,
    sections: ["data"],
    schema: oneOf("byte", "word", "gpt2"),
    sets: "data.tokenizer",
  }),
  training("dataset: id of a corpus", {
    ...TEXT,
    sections: ["data"],
    schema: name,
    sets: "data.dataset",
  }),
  training("split: named split of the corpus", {
    ...TEXT,
    sections: ["data"],
    schema: name,
    sets: "data.split",
  }),
  training("data_limit: training tokens that are used, from the first", {
    sections: ["data"],
    schema: COUNT,
    sets: "data.data_limit",
  }),

  training("batch_size: windows of a micro-batch", { schema: COUNT }),
  training("num_epochs=epochs: passes over the training part", { schema: COUNT }),
  training("learning_rate=lr: highest learning rate"),
  training("warmup_steps: updates over which it rises"),
  training("weight_decay: weight decay of AdamW"),
  training("beta1: decay of AdamW's first moment"),
  training("beta2: decay of AdamW's second moment"),
  training("grad_clip=gradient_clip_norm=max_grad_norm: largest norm of the gradient"),
  training("gradient_accumulation_steps=accum: micro-batches per update"),
  training(
    "gradient_checkpointing=use_gradient_checkpointing: computes inner values again",
    MEMORY,
  ),
  training("mixed_precision=use_mixed_precision: activations wait in half precision", MEMORY),
  training("cpu_offloading=use_cpu_offload: AdamW's moments wait in host memory", MEMORY),
  training("eval_tokens: validation tokens scored after each epoch"),
  training("seed: seed of parameters, order and noise", { schema: seedSchema }),

  later("use_koopman: Koopman loss", "the preset step2"),
  later("koopman_dim: width of the Koopman space", "the preset step2", NUMBER),
  later("use_physics: energy loss", "the preset step2"),
  later("use_quantization: training with quantised weights", "the preset step4"),
  later("quantization_bits: bits of a weight", "the preset step4", NUMBER),
  later("use_pruning: pruning of experts", "the preset step4"),
  later("prune_threshold: usage below which an expert is pruned", "the preset step4", NUMBER),
  later("use_distillation: a teacher's predictions", "the preset step4"),
  later("use_act: adaptive computation", "the preset step6"),
  later("act_halt_threshold=halt_threshold: where it halts", "the preset step6", NUMBER),
  later("use_multi_scale: layers at several scales", "the preset step6"),
  later("use_learned_sparsity: learned sparsity of the diagonal", "the preset step6"),
  later("use_curriculum: order by difficulty", "the preset full"),
  later("use_active_learning: selection of batches", "the preset full"),
  later("use_gradient_caching: gradients used again", "the preset full"),
  later("use_birman_schwinger: the Birman-Schwinger core in the model", "such a mixer"),
  later("dropout: rate of dropout", "a dropout layer", NUMBER),
  later("use_wandb=wandb: logs in the format of that service", "an exporter of logs"),
];

/** The rows by each of their names. */
export const KEY_OF_NAME: ReadonlyMap<string, TrainKey> = new Map(
  TRAIN_KEYS.flatMap((key) => [key.name, ...key.aliases].map((word) => [word, key] as const)),
);
