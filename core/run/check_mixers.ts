/** Refuses a campaign whose mixers lack what every model must have. Built-in models are checked by the tests. */
import { DeviceError } from "../errors.ts";
import { MODEL_PROPERTIES, type ModelProperty } from "../evaluate/check_model.ts";
import { canonicalJson } from "../manifest/canonical_json.ts";
import { readUnitConfig } from "../manifest/unit_config.ts";
import type { ModelConfig } from "../models/registry.ts";
import type { Backend } from "../plan/backend.ts";
import { mixerError, type MixerModule } from "./load_mixer.ts";
import type { UnitWithMixer } from "./resolve_mixers.ts";

/** Blocks of the model that is checked, at most: more of them show nothing new. */
const MOST_LAYERS = 2;

/**
 * Checks every model around a mixer of the user's own once, on the backend that will train it, before it trains.
 *
 * @param units Those that are to run; none with a mixer opens no backend
 * @throws {ManifestError} On the first property that fails, by name
 */
export async function checkMixers(units: readonly UnitWithMixer[], options: {
  readonly openBackend: () => Promise<Backend>;
  readonly say: (line: string) => void;
}): Promise<void> {
  const checked = new Map<string, { readonly model: ModelConfig; readonly mixer: MixerModule }>();
  for (const { unit, mixer } of units) {
    if (mixer === undefined) continue;
    const { model } = readUnitConfig(unit.config, { where: unit.name });
    checked.set(canonicalJson(unit.config.model), { model, mixer });
  }
  if (checked.size === 0) return;
  const backend = await options.openBackend();
  try {
    for (const { model, mixer } of checked.values()) {
      const short = { ...model, nLayers: Math.min(model.nLayers, MOST_LAYERS) };
      const claimed = MODEL_PROPERTIES.filter(({ isClaimed }) => isClaimed?.(model) ?? true);
      for (const property of claimed) {
        await expectProperty(property, { model: short, mixer, backend });
      }
      const names = claimed.map(({ name }) => name).join("; ");
      options.say(`  checked   mixer "${mixer.path}": ${names}`);
    }
  } finally {
    backend.destroy();
  }
}

async function expectProperty(property: ModelProperty, { mixer, ...checked }: {
  readonly model: ModelConfig;
  readonly mixer: MixerModule;
  readonly backend: Backend;
}): Promise<void> {
  try {
    await property.expect(checked);
  } catch (cause) {
    // The device's failures are not the mixer's; anything else that its code throws is.
    if (cause instanceof DeviceError) throw cause;
    const text = cause instanceof Error ? cause.message : String(cause);
    const why = `this mixer fails the check "${property.name}": ${text}; nothing was trained`;
    throw mixerError(mixer, why, { cause });
  }
}
