import { isJsonObject, type Json, memberOf } from "./json.ts";
import {
  boolean,
  integer,
  manifestError,
  memberPlace,
  number,
  objectOf,
  oneOf,
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
  "resnet-bk": {
    kind: oneOf("resnet-bk"),
    ...common,
    /** Resolvent channels per layer, H. */
    bk_channels: integer({ min: 1 }),
    num_experts: integer({ min: 1 }),
    /** Experts that each token visits. */
    top_k: integer({ min: 1 }),
    /** Bound on the potential, |v_i| <= v_max. */
    v_max: number({ above: 0 }),
    /** Imaginary shift at the start and its lower bound; it is learned in between. */
    eta_init: number({ above: 0 }),
    eta_min: number({ above: 0 }),
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
export const MODEL_KINDS = ["resnet-bk", "transformer"] as const satisfies readonly ModelKind[];

const resnetBk = objectOf(MODEL_SHAPES["resnet-bk"]);
const transformer = objectOf(MODEL_SHAPES.transformer);

/** Settings of a resnet-bk model. */
export type ResnetBkSettings = Read<typeof resnetBk>;

/** Settings of a transformer model. */
export type TransformerSettings = Read<typeof transformer>;

/** Complete settings of one model; `kind` tells which. */
export type ModelSettings = ResnetBkSettings | TransformerSettings;

/** Part of a model's settings: any key of any kind. Which keys a kind has is checked per arm. */
export const modelParts = objectOf({
  ...MODEL_SHAPES.transformer,
  ...MODEL_SHAPES["resnet-bk"],
  kind: oneOf(...MODEL_KINDS),
});

/** Complete settings of one model. */
export const modelSchema: Schema<ModelSettings> = {
  read: (value, at) => {
    switch (kindOf(value, at)) {
      case "resnet-bk":
        return checkResnetBk(resnetBk.read(value, at), at);
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
  if (settings.topK > settings.numExperts) {
    throw manifestError(
      memberPlace(at, "top_k"),
      `expected at most num_experts = ${settings.numExperts}, got ${settings.topK}`,
    );
  }
  if (settings.etaInit <= settings.etaMin) {
    throw manifestError(
      memberPlace(at, "eta_init"),
      `expected more than eta_min = ${settings.etaMin}, got ${settings.etaInit}`,
    );
  }
  return settings;
}

function checkTransformer(settings: TransformerSettings, at: Place): TransformerSettings {
  if (settings.dModel % settings.nHeads === 0) return settings;
  throw manifestError(
    memberPlace(at, "n_heads"),
    `expected a divisor of d_model = ${settings.dModel}, got ${settings.nHeads}`,
  );
}
