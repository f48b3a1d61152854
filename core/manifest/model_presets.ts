/** Named sets of settings of resnet-bk models, in manifest keys. docs/harness.md §1. */
import { idleKeys } from "./idle_keys.ts";
import type { Json, JsonObject } from "./json.ts";
import { memberOf } from "./json.ts";
import { mergeObjects, withoutKeys } from "./merge.ts";
import { manifestError, memberPlace, oneOf, type Place } from "./schema.ts";

/** What the write-ups start from: sparse experts behind a learned gate, everything else off. */
const BASELINE = Object.freeze({
  mode: "causal",
  mixer: "diagonal",
  bk_channels: 1,
  h0: "laplacian",
  coupling: "fixed",
  semiseparable_rank: 0,
  eta_init: 1,
  eta_min: 1e-3,
  eta_learned: true,
  epsilon_schedule: "none",
  epsilon_start: 1,
  epsilon_end: 0.5,
  epsilon_steps: 10_000,
  v_max: 3,
  prime_bump: "none",
  prime_bump_scale: 0.02,
  k_max: 3,
  epsilon: 1,
  block: "residual",
  symplectic_dt: 0.1,
  router: "gate",
  num_experts: 4,
  top_k: 1,
  load_balance: 0,
  z_loss: 0,
  gumbel: 0,
  gumbel_schedule: "none",
  gumbel_end: 0.1,
  gumbel_steps: 10_000,
});

/** Presets that can be used. `custom` implies nothing: what it is used with says what is on. */
const AVAILABLE: Readonly<Record<string, JsonObject>> = Object.freeze({
  sound: Object.freeze({ ...BASELINE, bk_channels: 8, load_balance: 0.01, z_loss: 1e-3 }),
  baseline: BASELINE,
  custom: BASELINE,
});

/** Presets of the write-ups whose parts do not exist yet; each holds those before it. */
const MISSING: Readonly<Record<string, string>> = Object.freeze({
  step2: "koopman and physics losses",
  step4: "quantisation, pruning and distillation, besides step2",
  step5: "mixed precision of the whole step, besides step4",
  step6: "adaptive computation, multi-scale and learned sparsity, besides step5",
  full: "curriculum, active learning and gradient caching, besides step6",
});

/** What `mode` sets together. `paper` leaks later tokens and is marked so wherever it appears. */
const MODES: Readonly<Record<string, JsonObject>> = Object.freeze({
  causal: Object.freeze({ bk_direction: "causal", grad_mode: "exact", grad_blend: 0.5 }),
  paper: Object.freeze({
    bk_direction: "bidirectional",
    grad_mode: "blend",
    grad_blend: 0.5,
    eta_init: 1,
    eta_learned: false,
  }),
});

/** Keys that came after the first models were saved; at their values in BASELINE a model is what it was. */
const ADDED_LATER = [
  "semiseparable_rank",
  ...["epsilon_schedule", "epsilon_start", "epsilon_end", "epsilon_steps"],
  ...["gumbel_schedule", "gumbel_end", "gumbel_steps"],
] as const satisfies readonly (keyof typeof BASELINE)[];

/** Settings of a saved model, complete in its day, with the keys that came later; other kinds have none. */
export function withLaterKeys(saved: JsonObject): JsonObject {
  if (memberOf(saved, "kind") !== "resnet-bk") return saved;
  const later = Object.fromEntries(ADDED_LATER.map((key) => [key, BASELINE[key]]));
  return mergeObjects(later, saved);
}

/** Every name of a preset, usable or not. */
export const PRESET_NAMES = [...Object.keys(AVAILABLE), ...Object.keys(MISSING)] as const;

/**
 * A model's settings with what its preset and its mode imply filled in; what is said explicitly wins. Settings
 * without a preset are returned as they are.
 *
 * @throws {ManifestError} On an unknown preset, one whose parts do not exist yet, or what is said about a schedule
 * that is "none"
 */
export function withPreset(model: JsonObject, at: Place): JsonObject {
  const preset = memberOf(model, "preset");
  if (preset === undefined) return model;
  const explicit = withoutKeys(model, ["preset"]);
  const base = presetOf(preset, memberPlace(at, "preset"));
  const mode = memberOf(explicit, "mode") ?? base.mode;
  // A wrong mode is the schema's to refuse.
  const implied = typeof mode === "string" && Object.hasOwn(MODES, mode) ? MODES[mode] : {};
  const settings = mergeObjects(mergeObjects(base, implied), explicit);
  for (const [key, schedule] of idleKeys(settings)) {
    if (!Object.hasOwn(explicit, key)) continue;
    throw manifestError(
      memberPlace(at, key),
      `has no effect with ${schedule} "none"; give ${schedule} a shape, or leave ${key} out`,
    );
  }
  return settings;
}

function presetOf(preset: Json, at: Place): JsonObject {
  const name = oneOf(...PRESET_NAMES).read(preset, at);
  if (Object.hasOwn(AVAILABLE, name)) return AVAILABLE[name];
  throw manifestError(at, `"${name}" is not available yet: it needs ${MISSING[name]}`);
}
