import { isJsonObject, type Json, memberOf } from "./json.ts";
import { PRESET_NAMES } from "./model_presets.ts";
import { moduleReference } from "./module_reference.ts";
import {
  boolean,
  integer,
  manifestError,
  memberPlace,
  number,
  objectOf,
  oneOf,
  optional,
  type Place,
  type Read,
  type Schema,
} from "./schema.ts";

/** Settings that every model has. */
const common = {
  d_model: integer({ min: 1 }),
  n_layers: integer({ min: 1 }),
  /** Whether the output projection is the transposed embedding. */
  tie_head: boolean,
};

/** Settings of each kind of model, by manifest key. */
export const MODEL_SHAPES = {
  module: {
    kind: oneOf("module"),
    ...common,
    /** Module that exports the sequence mixer. */
    module: moduleReference,
  },
  "resnet-bk": {
    kind: oneOf("resnet-bk"),
    ...common,
    /** The causal core, or what the write-ups publish, which leaks later tokens. */
    mode: oneOf("causal", "paper"),
    bk_direction: oneOf("causal", "bidirectional"),
    /** What the backward pass gives the potential. */
    grad_mode: oneOf("exact", "theoretical", "hypothesis7", "blend"),
    /** Weight of hypothesis7 in a blend. */
    grad_blend: number({ min: 0, max: 1 }),
    /** What a token reads: the diagonal of the resolvent, or the causal resolvent applied to values. */
    mixer: oneOf("diagonal", "resolvent"),
    /** Resolvent channels per layer, H; heads of the resolvent mixer. */
    bk_channels: integer({ min: 1 }),
    /** Free Hamiltonian; the identity mixes no tokens. */
    h0: oneOf("laplacian", "identity"),
    /** Rank of a learned low-rank part of the Hamiltonian; 0 for none. */
    semiseparable_rank: integer({ min: 0, max: 20 }),
    /** Whether the coupling between neighbours is 1 or learned. */
    coupling: oneOf("fixed", "learned"),
    /** Bound on the potential, |v_i| <= v_max. */
    v_max: number({ above: 0 }),
    /** Imaginary shift at the start, its lower bound, and whether it is learned. */
    eta_init: number({ above: 0 }),
    eta_min: number({ above: 0 }),
    eta_learned: boolean,
    /** First values of a learned potential per position. */
    prime_bump: oneOf("none", "formula", "comb", "gue"),
    prime_bump_scale: number({}),
    k_max: integer({ min: 1 }),
    epsilon: number({ above: 0 }),
    /** How a block adds to the stream. */
    block: oneOf("residual", "symplectic"),
    symplectic_dt: number({ above: 0 }),
    /** What chooses experts. */
    router: oneOf("gate", "scattering", "arg_g"),
    num_experts: integer({ min: 1 }),
    /** Experts that each token visits. */
    top_k: integer({ min: 1 }),
    /** Factors of the losses that balance the gate, and temperature of its noise in training. */
    load_balance: number({ min: 0 }),
    z_loss: number({ min: 0 }),
    gumbel: number({ min: 0 }),
  },
  "resolvent-block": {
    kind: oneOf("resolvent-block"),
    ...common,
    /** Heads of the resolvent, a divisor of 2 d_model. */
    n_heads: integer({ min: 1 }),
    v_max: number({ above: 0 }),
    eta_min: number({ above: 0 }),
    /** Smallest and largest shift over the heads at the start. */
    eta_low: number({ above: 0 }),
    eta_high: number({ above: 0 }),
    /** Whether the shift also depends on the token. */
    eta_dynamic: boolean,
    mixer_norm: oneOf("none", "ward"),
  },
  transformer: {
    kind: oneOf("transformer"),
    ...common,
    n_heads: integer({ min: 1 }),
  },
} as const;

/** Name of a kind of model. */
export type ModelKind = keyof typeof MODEL_SHAPES;

/** All kinds of model. */
export const MODEL_KINDS = [
  "module",
  "resnet-bk",
  "resolvent-block",
  "transformer",
] as const satisfies readonly ModelKind[];

const module = objectOf(MODEL_SHAPES.module);
const resnetBk = objectOf(MODEL_SHAPES["resnet-bk"]);
const resolventBlock = objectOf(MODEL_SHAPES["resolvent-block"]);
const transformer = objectOf(MODEL_SHAPES.transformer);

/** Settings of a model around a mixer of the user's own. */
export type ModuleSettings = Read<typeof module>;

/** Settings of a resnet-bk model. */
export type ResnetBkSettings = Read<typeof resnetBk>;

/** Settings of a model of resolvent blocks. */
export type ResolventBlockSettings = Read<typeof resolventBlock>;

/** Settings of a transformer model. */
export type TransformerSettings = Read<typeof transformer>;

/** Complete settings of one model; `kind` tells which. */
export type ModelSettings =
  | ModuleSettings
  | ResnetBkSettings
  | ResolventBlockSettings
  | TransformerSettings;

/** Part of a model's settings: any key of any kind, or a preset. Which keys a kind has is checked per arm. */
export const modelParts = objectOf({
  preset: optional(oneOf(...PRESET_NAMES)),
  ...MODEL_SHAPES.module,
  ...MODEL_SHAPES.transformer,
  ...MODEL_SHAPES["resolvent-block"],
  ...MODEL_SHAPES["resnet-bk"],
  kind: oneOf(...MODEL_KINDS),
});

/** Complete settings of one model. */
export const modelSchema: Schema<ModelSettings> = {
  read: (value, at) => {
    switch (kindOf(value, at)) {
      case "module":
        return module.read(value, at);
      case "resnet-bk":
        return checkResnetBk(resnetBk.read(value, at), at);
      case "resolvent-block":
        return checkResolventBlock(resolventBlock.read(value, at), at);
      case "transformer":
        return checkTransformer(transformer.read(value, at), at);
    }
  },
};

function kindOf(value: Json, at: Place): ModelKind {
  const kind = isJsonObject(value) ? memberOf(value, "kind") : undefined;
  if (kind === undefined) throw manifestError(memberPlace(at, "kind"), "missing; give the arm one");
  return oneOf(...MODEL_KINDS).read(kind, memberPlace(at, "kind"));
}

function checkResnetBk(settings: ResnetBkSettings, at: Place): ResnetBkSettings {
  for (const { key, isBroken, rule } of RESNET_BK_RULES) {
    if (isBroken(settings)) throw manifestError(memberPlace(at, key), rule(settings));
  }
  return settings;
}

interface Rule {
  /** Key that a message names. */
  readonly key: string;
  readonly isBroken: (settings: ResnetBkSettings) => boolean;
  readonly rule: (settings: ResnetBkSettings) => string;
}

/** Experts that a gate can choose among more; the bound of core/ops/top_k.ts. */
const MOST_CHOSEN = 8;

/** What settings must fulfil together. */
const RESNET_BK_RULES: readonly Rule[] = [
  {
    key: "top_k",
    isBroken: ({ topK, numExperts }) => topK > numExperts,
    rule: ({ topK, numExperts }) => `expected at most num_experts = ${numExperts}, got ${topK}`,
  },
  {
    key: "top_k",
    isBroken: ({ router, topK, numExperts }) =>
      router === "gate" && topK > MOST_CHOSEN && topK < numExperts,
    rule: ({ topK, numExperts }) =>
      `a gate chooses at most ${MOST_CHOSEN} experts, or all num_experts = ${numExperts} of them, got ${topK}`,
  },
  {
    key: "eta_init",
    isBroken: ({ etaInit, etaMin, etaLearned }) => etaLearned && etaInit <= etaMin,
    rule: ({ etaInit, etaMin }) => `expected more than eta_min = ${etaMin}, got ${etaInit}`,
  },
  {
    key: "bk_direction",
    isBroken: ({ bkDirection, mode }) => bkDirection === "bidirectional" && mode !== "paper",
    rule: () =>
      '"bidirectional" reads later tokens and exists in mode "paper" alone; use mode "paper", whose results are ' +
      "marked as leaking",
  },
  {
    key: "mixer",
    isBroken: ({ mixer, bkDirection, gradMode, primeBump }) =>
      mixer === "resolvent" &&
      (bkDirection !== "causal" || gradMode !== "exact" || primeBump !== "none"),
    rule: () =>
      'the resolvent mixer is causal with exact gradients: expected bk_direction "causal", grad_mode "exact" ' +
      'and prime_bump "none"',
  },
  {
    key: "bk_channels",
    isBroken: ({ mixer, block, bkChannels, dModel }) =>
      mixer === "resolvent" && (dModel / (block === "symplectic" ? 2 : 1)) % bkChannels !== 0,
    rule: ({ dModel, bkChannels }) =>
      `expected a divisor of the mixer's width (d_model = ${dModel}, half of it in a symplectic block), got ` +
      `${bkChannels}`,
  },
  {
    key: "d_model",
    isBroken: ({ block, dModel }) => block === "symplectic" && dModel % 2 !== 0,
    rule: ({ dModel }) => `expected an even width for symplectic blocks, got ${dModel}`,
  },
  {
    key: "semiseparable_rank",
    isBroken: ({ semiseparableRank, bkDirection, gradMode, mixer }) =>
      semiseparableRank > 0 &&
      (bkDirection !== "bidirectional" || gradMode !== "exact" || mixer !== "diagonal"),
    rule: () =>
      'a low-rank part joins all tokens and has exact gradients alone: expected mode "paper" with grad_mode ' +
      '"exact" and mixer "diagonal"',
  },
  {
    key: "h0",
    isBroken: ({ h0, coupling, primeBump }) =>
      h0 === "identity" && (coupling === "learned" || primeBump === "gue"),
    rule: () =>
      'the identity has no couplings: expected coupling "fixed", and prime_bump other than "gue"',
  },
  {
    key: "top_k",
    isBroken: ({ router, topK }) => router !== "gate" && topK > (router === "arg_g" ? 1 : 2),
    rule: ({ router, topK }) =>
      `expected at most ${router === "arg_g" ? 1 : 2} with router "${router}", got ${topK}`,
  },
  {
    key: "gumbel",
    isBroken: ({ router, gumbel }) => router !== "gate" && gumbel > 0,
    rule: ({ router }) => `noise belongs to a gate: expected 0 with router "${router}"`,
  },
  {
    key: "router",
    isBroken: ({ router, mode }) => router === "arg_g" && mode !== "paper",
    rule: () =>
      '"arg_g" is the published router and exists in mode "paper" alone; use "scattering"',
  },
  {
    key: "router",
    isBroken: ({ router, bkDirection }) => router === "scattering" && bkDirection !== "causal",
    rule: () => '"scattering" reads causal pivots: expected bk_direction "causal"',
  },
];

function checkResolventBlock(settings: ResolventBlockSettings, at: Place): ResolventBlockSettings {
  const { dModel, nHeads, etaMin, etaLow, etaHigh } = settings;
  if ((2 * dModel) % nHeads !== 0) {
    throw manifestError(
      memberPlace(at, "n_heads"),
      `expected a divisor of 2 d_model = ${2 * dModel}, got ${nHeads}`,
    );
  }
  if (etaMin < etaLow && etaLow <= etaHigh) return settings;
  throw manifestError(
    memberPlace(at, "eta_low"),
    `expected eta_min < eta_low <= eta_high, got ${etaMin}, ${etaLow} and ${etaHigh}`,
  );
}

function checkTransformer(settings: TransformerSettings, at: Place): TransformerSettings {
  if (settings.dModel % settings.nHeads === 0) return settings;
  throw manifestError(
    memberPlace(at, "n_heads"),
    `expected a divisor of d_model = ${settings.dModel}, got ${settings.nHeads}`,
  );
}
