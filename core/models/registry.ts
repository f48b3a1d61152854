/** The models that a manifest can name. */
import { type ModuleConfig, moduleModel } from "./module_model.ts";
import { resnetBk, type ResnetBkConfig } from "./resnet_bk.ts";
import { resolventBlock, type ResolventBlockConfig } from "./resolvent_block.ts";
import type { Model } from "./model.ts";
import { transformer, type TransformerConfig } from "./transformer.ts";

/** Configuration of each kind of model. */
export type ModelConfig =
  | ({ readonly kind: "module" } & ModuleConfig)
  | ({ readonly kind: "resnet-bk" } & ResnetBkConfig)
  | ({ readonly kind: "resolvent-block" } & ResolventBlockConfig)
  | ({ readonly kind: "transformer" } & TransformerConfig);

/** Name of a model in manifests. */
export type ModelKind = ModelConfig["kind"];

/** A model for every kind: a kind without one is a compile error. */
export const MODELS: {
  readonly [K in ModelKind]: Model<Extract<ModelConfig, { readonly kind: K }>>;
} = {
  module: moduleModel,
  "resnet-bk": resnetBk,
  "resolvent-block": resolventBlock,
  transformer,
};

/** The model of a configuration. */
export function modelOf(config: ModelConfig): Model<ModelConfig> {
  // Each entry accepts the configurations of its own kind, which is the kind looked up.
  return MODELS[config.kind] as Model<ModelConfig>;
}
