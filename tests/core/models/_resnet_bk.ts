import { modelConfig } from "../../../core/manifest/model_config.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import type { ResnetBkConfig } from "../../../core/models/resnet_bk.ts";

/** Settings that no preset has, and those that differ from it. */
type Settings =
  & Pick<ResnetBkConfig, "dModel" | "nLayers" | "tieHead">
  & Partial<ResnetBkConfig>;

/** A configuration of kind resnet-bk: a preset, changed by `settings`. */
export function resnetBk(
  settings: Settings,
  preset: "baseline" | "sound" = "baseline",
): Extract<ModelConfig, { readonly kind: "resnet-bk" }> {
  const base = modelConfig({
    kind: "resnet-bk",
    preset,
    d_model: 4,
    n_layers: 1,
    tie_head: true,
  });
  if (base.kind !== "resnet-bk") throw new Error(`A preset of resnet-bk has kind ${base.kind}`);
  return { ...base, ...settings };
}
