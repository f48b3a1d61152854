/**
 * The one place where the snake_case keys of manifests meet the camelCase names of the code. Keys
 * of one word are the same on both sides and are not listed.
 */
export const CAMEL_KEYS = {
  bk_channels: "bkChannels",
  bk_direction: "bkDirection",
  cpu_offloading: "cpuOffloading",
  d_model: "dModel",
  epsilon_end: "epsilonEnd",
  epsilon_schedule: "epsilonSchedule",
  epsilon_start: "epsilonStart",
  epsilon_steps: "epsilonSteps",
  eta_dynamic: "etaDynamic",
  eta_high: "etaHigh",
  eta_init: "etaInit",
  eta_learned: "etaLearned",
  eta_low: "etaLow",
  eta_min: "etaMin",
  eval_every: "evalEvery",
  eval_tokens: "evalTokens",
  grad_blend: "gradBlend",
  grad_clip: "gradClip",
  grad_mode: "gradMode",
  gradient_accumulation_steps: "gradientAccumulationSteps",
  gradient_checkpointing: "gradientCheckpointing",
  gradient_cosine: "gradientCosine",
  gumbel_end: "gumbelEnd",
  gumbel_schedule: "gumbelSchedule",
  gumbel_steps: "gumbelSteps",
  k_max: "kMax",
  learning_rate: "learningRate",
  load_balance: "loadBalance",
  log_every: "logEvery",
  mixed_precision: "mixedPrecision",
  mixer_norm: "mixerNorm",
  n_heads: "nHeads",
  n_layers: "nLayers",
  num_experts: "numExperts",
  on_divergence: "onDivergence",
  prime_bump: "primeBump",
  prime_bump_scale: "primeBumpScale",
  semiseparable_rank: "semiseparableRank",
  seq_len: "seqLen",
  steps_to_target: "stepsToTarget",
  symplectic_dt: "symplecticDt",
  tie_head: "tieHead",
  tokens_per_step: "tokensPerStep",
  top_k: "topK",
  v_max: "vMax",
  val_loss: "valLoss",
  warmup_steps: "warmupSteps",
  weight_decay: "weightDecay",
  z_loss: "zLoss",
} as const;

/** The name in code of a manifest key. */
export type CamelKey<K extends string> = K extends keyof typeof CAMEL_KEYS ? (typeof CAMEL_KEYS)[K]
  : K;

/** The name in code of a manifest key: "n_layers" → "nLayers", "steps" → "steps". */
export function camelKey<K extends string>(key: K): CamelKey<K> {
  const table: Readonly<Record<string, string>> = CAMEL_KEYS;
  return (Object.hasOwn(table, key) ? table[key] : key) as CamelKey<K>;
}
