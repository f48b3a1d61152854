import { type ModelConfig, modelOf } from "../models/registry.ts";
import type { Backend } from "../plan/backend.ts";
import type { CheckpointOrigin } from "../train/checkpoint_bytes.ts";

/** What checkpoints of a run belong to. */
export function checkpointOrigin(
  { planDigest }: { readonly planDigest: string },
  { backend, model }: { readonly backend: Backend; readonly model: ModelConfig },
): CheckpointOrigin {
  const { name, preset, adapter } = backend.facts;
  return {
    planDigest,
    engine: `${name}/${preset}/${adapter?.description ?? "none"}`,
    leaks: !modelOf(model).isCausal(model),
  };
}
