/** Mixers from modules, loaded under digests of their own, so that tests need no campaign to plan. */
import { mixer as example } from "../../../docs/examples/my_mixer.ts";
import { keepMixer } from "../../../core/models/loaded_mixers.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import type { SequenceMixer } from "../../../core/models/sequence_mixer.ts";
import { sha256Hex } from "../../../core/random/sha256.ts";

/** Settings of a small model around a mixer, which is loaded on the way. */
export function modelAround(mixer: SequenceMixer): Extract<ModelConfig, { kind: "module" }> {
  const sha256 = sha256Hex(new TextEncoder().encode(mixer.source));
  keepMixer(sha256, mixer);
  const module = { path: "./mixer.ts", sha256 };
  return { kind: "module", dModel: 12, nLayers: 2, tieHead: true, module };
}

/** The worked example of docs/own_mixer.md. */
export const EXAMPLE = modelAround(example);
