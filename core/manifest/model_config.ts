import type { ModelConfig } from "../models/registry.ts";
import type { JsonObject } from "./json.ts";
import { withPreset } from "./model_presets.ts";
import { modelSchema } from "./model_schema.ts";

/**
 * A model's configuration from settings in manifest keys, with what a preset implies filled in. `where` names the
 * source in messages.
 *
 * @throws {ManifestError} On a key that is missing, unknown or of the wrong type, or a preset that is not available
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { modelConfig } from "./model_config.ts";
 * const config = modelConfig({
 *   kind: "resnet-bk", preset: "sound", d_model: 64, n_layers: 2, tie_head: true, bk_channels: 4,
 * });
 * assertEquals(config.kind === "resnet-bk" && config.bkChannels, 4);
 * ```
 */
export function modelConfig(
  settings: JsonObject,
  options: { readonly where: string } = { where: "model settings" },
): ModelConfig {
  const at = { file: options.where, path: "model", patch: false };
  return modelSchema.read(withPreset(settings, at), at);
}
