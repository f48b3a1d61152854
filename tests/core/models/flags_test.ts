/** Every setting of a model does something, and a preset is what its name says whatever was built with it before. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { ManifestError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/manifest/json.ts";
import { modelConfig } from "../../../core/manifest/model_config.ts";
import { PRESET_NAMES, withPreset } from "../../../core/manifest/model_presets.ts";
import { MODEL_SHAPES, type ModelKind } from "../../../core/manifest/model_schema.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";
import { initialParameters, initialStates } from "../../../core/train/initial_parameters.ts";
import { scheduledInputs } from "../../../core/train/scheduled_inputs.ts";
import { trainingPlan } from "../../../core/train/training_graph.ts";
import { EXAMPLE, modelAround } from "./_mixers.ts";

const OPTIMISER = { weightDecay: 0, beta1: 0.9, beta2: 0.99, gradClip: 1 };
const AT = { file: "test", path: "model", patch: false };

/** Updates at which schedules are looked at. */
const UPDATES = [1, 2, 10, 100, 1000, 20_000];

/**
 * Digest of everything a training run is made of besides data: plan, first parameters, first states, and what the
 * training loop uploads for the model's schedules.
 */
function fingerprint(settings: JsonObject): string {
  const model = modelConfig(settings);
  const plan = trainingPlan({
    model,
    shape: { batch: 2, seqLen: 24 },
    vocabularySize: 11,
    optimiser: OPTIMISER,
  });
  const values = [initialParameters(plan, 42), initialStates(plan)].map((arena) => [...arena]);
  const scheduled = UPDATES.map(scheduledInputs(plan, { model }))
    .map((inputs) => Object.entries(inputs).map(([name, value]) => [name, ...value]));
  return sha256Hex(plan.digest + JSON.stringify([values, scheduled]));
}

const MODULE = { kind: "module", d_model: 12, n_layers: 1, tie_head: true };
const [FIRST, SECOND] = [EXAMPLE, modelAround({ source: "identity", forward: (x) => x })]
  .map(({ module: { path, sha256 } }) => ({ path, sha256 }));

const RESNET_BK = {
  kind: "resnet-bk",
  preset: "sound",
  d_model: 12,
  n_layers: 1,
  tie_head: true,
  bk_channels: 4,
};
const RESOLVENT_BLOCK = {
  kind: "resolvent-block",
  d_model: 12,
  n_layers: 1,
  tie_head: true,
  n_heads: 4,
  v_max: 3,
  eta_min: 1e-3,
  eta_low: 0.01,
  eta_high: 1,
  eta_dynamic: false,
  mixer_norm: "none",
};
const TRANSFORMER = { kind: "transformer", d_model: 12, n_layers: 1, tie_head: true, n_heads: 1 };

/** Mode paper with a causal core, which is what bk_direction then changes. */
const PAPER_CAUSAL = { mode: "paper", bk_direction: "causal" };

const COSINE = { epsilon_schedule: "cosine" };
const COLDER = { gumbel: 1, gumbel_schedule: "exponential" };

interface Change {
  readonly key: string;
  readonly value: string | number | boolean | JsonObject;
  /** Settings under which the key is read at all. @default none */
  readonly within?: JsonObject;
}

const CHANGES: Readonly<
  Record<ModelKind, { readonly base: JsonObject; readonly changes: Change[] }>
> = {
  module: {
    base: { ...MODULE, module: FIRST },
    changes: [
      { key: "d_model", value: 16 },
      { key: "n_layers", value: 2 },
      { key: "tie_head", value: false },
      { key: "module", value: SECOND },
    ],
  },
  "resnet-bk": {
    base: RESNET_BK,
    changes: [
      { key: "d_model", value: 16 },
      { key: "n_layers", value: 2 },
      { key: "tie_head", value: false },
      { key: "mode", value: "paper" },
      { key: "bk_direction", value: "bidirectional", within: PAPER_CAUSAL },
      { key: "grad_mode", value: "theoretical" },
      { key: "grad_blend", value: 0.25, within: { grad_mode: "blend" } },
      { key: "mixer", value: "resolvent" },
      { key: "bk_channels", value: 2 },
      { key: "h0", value: "identity" },
      { key: "coupling", value: "learned" },
      { key: "semiseparable_rank", value: 3, within: { mode: "paper", grad_mode: "exact" } },
      { key: "v_max", value: 5 },
      { key: "eta_init", value: 0.5 },
      { key: "eta_min", value: 1e-2 },
      { key: "eta_learned", value: false },
      { key: "epsilon_schedule", value: "linear" },
      { key: "epsilon_start", value: 2, within: COSINE },
      { key: "epsilon_end", value: 0.25, within: COSINE },
      { key: "epsilon_steps", value: 5000, within: COSINE },
      { key: "prime_bump", value: "formula" },
      { key: "prime_bump_scale", value: 0.5, within: { prime_bump: "comb" } },
      { key: "k_max", value: 1, within: { prime_bump: "formula" } },
      { key: "epsilon", value: 0.5, within: { prime_bump: "formula" } },
      { key: "block", value: "symplectic" },
      { key: "symplectic_dt", value: 0.3, within: { block: "symplectic" } },
      { key: "router", value: "scattering" },
      { key: "num_experts", value: 3 },
      { key: "top_k", value: 2 },
      { key: "load_balance", value: 0 },
      { key: "z_loss", value: 0 },
      { key: "gumbel", value: 0.5 },
      { key: "gumbel_schedule", value: "exponential", within: { gumbel: 1 } },
      { key: "gumbel_end", value: 0.2, within: COLDER },
      { key: "gumbel_steps", value: 5000, within: COLDER },
    ],
  },
  "resolvent-block": {
    base: RESOLVENT_BLOCK,
    changes: [
      { key: "d_model", value: 16 },
      { key: "n_layers", value: 2 },
      { key: "tie_head", value: false },
      { key: "n_heads", value: 2 },
      { key: "v_max", value: 5 },
      { key: "eta_min", value: 5e-3 },
      { key: "eta_low", value: 0.1 },
      { key: "eta_high", value: 2 },
      { key: "eta_dynamic", value: true },
      { key: "mixer_norm", value: "ward" },
    ],
  },
  transformer: {
    base: TRANSFORMER,
    changes: [
      { key: "d_model", value: 16 },
      { key: "n_layers", value: 2 },
      { key: "tie_head", value: false },
      { key: "n_heads", value: 3 },
    ],
  },
};

for (const [kind, { base, changes }] of Object.entries(CHANGES)) {
  Deno.test(`every setting of ${kind} changes the parameters, the plan or the training loop`, () => {
    const known = Object.keys(MODEL_SHAPES[kind as ModelKind]).filter((key) => key !== "kind");
    assertEquals(changes.map(({ key }) => key).toSorted(), known.toSorted());
    for (const { key, value, within = {} } of changes) {
      const before = { ...base, ...within };
      assertNotEquals(fingerprint({ ...before, [key]: value }), fingerprint(before), key);
    }
  });
}

Deno.test("fingerprint() tells the shapes and lengths of schedules apart, by what the loop uploads alone", () => {
  const plans = ["linear", "cosine", "exponential"].flatMap((epsilon_schedule) =>
    [10, 1000].map((epsilon_steps) => ({ ...RESNET_BK, epsilon_schedule, epsilon_steps }))
  );
  assertEquals(new Set(plans.map(fingerprint)).size, plans.length);
  const digests = plans.map((settings) =>
    trainingPlan({
      model: modelConfig(settings),
      shape: { batch: 2, seqLen: 24 },
      vocabularySize: 11,
      optimiser: OPTIMISER,
    }).digest
  );
  assertEquals(new Set(digests).size, 1);
});

Deno.test("withPreset() gives the same settings after they were used and changed", () => {
  for (const preset of PRESET_NAMES) {
    const build = () => withPreset({ kind: "resnet-bk", preset, v_max: 7 }, AT);
    if (preset.startsWith("step") || preset === "full") {
      assertThrows(build, ManifestError, "is not available yet");
      continue;
    }
    const first = JSON.stringify(build());
    try {
      Object.assign(build(), { num_experts: 99 });
    } catch (error) {
      assert(error instanceof TypeError, "a frozen preset refuses assignment");
    }
    fingerprint({ ...RESNET_BK, preset });
    assertEquals(JSON.stringify(build()), first);
  }
});

Deno.test("withPreset() sets what mode paper stands for together, and what is explicit wins", () => {
  const paper = withPreset({ kind: "resnet-bk", preset: "baseline", mode: "paper" }, AT);
  const expected = {
    bk_direction: "bidirectional",
    grad_mode: "blend",
    grad_blend: 0.5,
    eta_init: 1,
    eta_learned: false,
  };
  for (const [key, value] of Object.entries(expected)) assertEquals(paper[key], value, key);
  const mixed = withPreset({ preset: "baseline", mode: "paper", grad_blend: 0 }, AT);
  assertEquals(mixed.grad_blend, 0);
});

Deno.test("modelConfig() refuses settings that contradict each other, and names the key", () => {
  const cases: readonly (readonly [JsonObject, string])[] = [
    [
      { mixer: "resolvent", mode: "paper", bk_direction: "bidirectional" },
      "at model.mixer",
    ],
    [
      { bk_direction: "bidirectional" },
      'at model.bk_direction: "bidirectional" reads later tokens',
    ],
    [{ num_experts: 16, top_k: 10 }, "at model.top_k: a gate chooses at most 8 experts"],
    [{ mixer: "resolvent", bk_channels: 5 }, "at model.bk_channels"],
    [{ semiseparable_rank: 3 }, "at model.semiseparable_rank"],
    [{ mode: "paper", semiseparable_rank: 3 }, "at model.semiseparable_rank"],
    [{ h0: "identity", coupling: "learned" }, "at model.h0"],
    [{ router: "arg_g" }, "at model.router"],
    [{ router: "scattering", mode: "paper" }, "at model.router"],
    [{ block: "symplectic", d_model: 7 }, "at model.d_model"],
    [{ gumbel_schedule: "linear" }, "at model.gumbel_schedule: a schedule starts at the temp"],
    [{ ...COLDER, gumbel: 0.1 }, "at model.gumbel_end: expected another temperature"],
    [{ ...COLDER, gumbel_end: 0 }, "at model.gumbel_end: expected a number >= 0.000001"],
    [{ ...COLDER, router: "scattering" }, "at model.gumbel: noise belongs to a gate"],
    [{ epsilon_schedule: "step" }, "at model.epsilon_schedule"],
    [{ ...COSINE, epsilon_start: 0.5 }, "at model.epsilon_end: expected another value"],
    [{ ...COSINE, epsilon_end: 0 }, "at model.epsilon_end: expected a number >= 0.000001"],
    [{ ...COSINE, epsilon_steps: 0 }, "at model.epsilon_steps"],
    [{ epsilon_end: 0.2 }, 'at model.epsilon_end: has no effect with epsilon_schedule "none"'],
    [{ gumbel: 1, gumbel_end: 0.2 }, 'at model.gumbel_end: has no effect with gumbel_schedule "'],
    [{ grad_blend: 1.5 }, "at model.grad_blend: expected a number >= 0 and <= 1, got 1.5"],
  ];
  for (const [settings, message] of cases) {
    assertThrows(() => modelConfig({ ...RESNET_BK, ...settings }), ManifestError, message);
  }
});
