/** A complete manifest in a few lines: two arms, one length, two seeds. */
export const MANIFEST_TEXT = `
apiVersion: harness/v1
kind: Experiment
metadata: {name: tiny, title: A tiny experiment, paper: paper/main.tex}
data:
  corpus: {id: sotu, sha256: ${"ab".repeat(32)}, split: interleave}
  tokenizer: {kind: byte}
engine: {adapter: {require: any}}
model:
  d_model: 8
  n_layers: 1
  tie_head: true
  bk_channels: 2
  num_experts: 2
  preset: baseline
  top_k: 1
  v_max: 3.0
  eta_init: 1.0
  eta_min: 0.001
  n_heads: 2
train:
  steps: 4
  tokens_per_step: 32
  learning_rate: 1.0e-3
  warmup_steps: 1
  weight_decay: 0.01
  beta1: 0.9
  beta2: 0.95
  grad_clip: 1.0
  eval_every: 2
  eval_tokens: 64
  log_every: 1
grid: {seq_len: [16]}
arms:
  resnet-bk: {model: {kind: resnet-bk}}
  transformer: {model: {kind: transformer}}
replicates: {seeds: [42, 43]}
metrics: {val_loss: {direction: lower, unit: nats/token}}
analysis:
  alpha: 0.05
  family: holm
  primary: val_loss
  on_divergence: worst
  comparisons: {h1: {a: resnet-bk, b: transformer}}
profiles:
  smoke: {description: As it stands}
  longer: {description: Longer, train: {steps: 8}, grid: {seq_len: [16, 32]}}
execution: {executor: inline, workers: 1}
`;

/** The manifest with one piece of its text replaced; the piece must be there. */
export function manifestWith(piece: string, replacement: string): string {
  if (!MANIFEST_TEXT.includes(piece)) throw new Error(`Not in the manifest: ${piece}`);
  return MANIFEST_TEXT.replace(piece, replacement);
}
