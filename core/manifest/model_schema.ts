import { isJsonObject, type Json, memberOf } from "./json.ts";
import { PRESET_NAMES } from "./model_presets.ts";
import { moduleReference } from "./module_reference.ts";
import { RESNET_BK_RULES } from "./resnet_bk_rules.ts";
import { RESNET_BK_SHAPE } from "./resnet_bk_shape.ts";
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
    ...RESNET_BK_SHAPE,
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
