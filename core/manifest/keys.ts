/**
 * The one place where the snake_case keys of manifests meet the camelCase names of the code. Keys
 * of one word are the same on both sides and are not listed.
 */
export const CAMEL_KEYS = {
  bk_channels: "bkChannels",
  d_model: "dModel",
  eta_init: "etaInit",
  eta_min: "etaMin",
  eval_every: "evalEvery",
  eval_tokens: "evalTokens",
  grad_clip: "gradClip",
  learning_rate: "learningRate",
  log_every: "logEvery",
  n_heads: "nHeads",
  n_layers: "nLayers",
  num_experts: "numExperts",
  on_divergence: "onDivergence",
  seq_len: "seqLen",
  tie_head: "tieHead",
  tokens_per_step: "tokensPerStep",
  top_k: "topK",
  v_max: "vMax",
  val_loss: "valLoss",
  warmup_steps: "warmupSteps",
  weight_decay: "weightDecay",
} as const;

/** The name in code of a manifest key. */
export type CamelKey<K extends string> = K extends keyof typeof CAMEL_KEYS ? (typeof CAMEL_KEYS)[K]
  : K;

/** The name in code of a manifest key: "n_layers" → "nLayers", "steps" → "steps". */
export function camelKey<K extends string>(key: K): CamelKey<K> {
  const table: Readonly<Record<string, string>> = CAMEL_KEYS;
  return (Object.hasOwn(table, key) ? table[key] : key) as CamelKey<K>;
}
