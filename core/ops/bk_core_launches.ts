/** Workspace and launches of BK-Core's forward pass. docs/mathematics.md §4. */
import {
  type Dispatch,
  type LaunchLimits,
  output,
  type Preset,
  scratch,
  type Site,
} from "../graph/op.ts";
import { f32, type TensorType } from "../graph/shape.ts";
import type { BkCoreAttributes } from "./bk_core.ts";
import { chunksOf } from "./bk_forms.ts";
import { bkDispatch, bkEntryDispatches, bkEntryScratch } from "./bk_launches.ts";
import { launchByBatch } from "./launch_by_batch.ts";

/** Entries of walks; bidirectional: before them the left pivots, lower parts. */
export function bkCoreScratch(
  { inputs, attributes: { mode, ...form } }: Site<BkCoreAttributes>,
): readonly TensorType[] {
  if (mode === "causal") return bkEntryScratch(inputs, { form, directions: 1 });
  return [f32(...inputs[0].shape, 2), ...bkEntryScratch(inputs, { form, directions: 2 })];
}

/** Launches of all sequences, or cut by sequences, each with its part of the workspace; `source` is the shader. */
export function bkCoreLaunches(site: Site<BkCoreAttributes>, { source, preset, limits }: {
  readonly source: string;
  readonly preset: Preset;
  readonly limits: LaunchLimits | undefined;
}): readonly Dispatch[] {
  const shards = { sharedInputs: [1, 2, 3], scratch: bkCoreScratch(site), ...limits };
  return launchByBatch(site, shards, (part) => walks(part, { source, preset }));
}

function walks(
  { inputs, attributes }: Site<BkCoreAttributes>,
  { source, preset }: { readonly source: string; readonly preset: Preset },
): readonly Dispatch[] {
  const site = { source, inputs, attributes, preset };
  const [batch, heads, n] = inputs[0].shape;
  const isCausal = attributes.mode === "causal";
  const first = isCausal ? 0 : 1;
  const directions = isCausal ? 1 : 2;
  return [
    ...bkEntryDispatches(site, { first, directions }),
    bkDispatch(site, {
      entryPoint: attributes.mode,
      bindings: [scratch(first), output(0), ...(isCausal ? [] : [scratch(0)])],
      invocations: batch * heads * chunksOf(attributes, n).chunks,
      overrides: { DIRECTIONS: directions },
    }),
  ];
}
