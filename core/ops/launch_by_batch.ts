/** Launches of ops on independent sequences, cut by sequences where a tensor is larger than one binding may be. */
import {
  type Attributes,
  type Binding,
  type Dispatch,
  input,
  type LaunchLimits,
  output,
  scratch,
  type Site,
} from "../graph/op.ts";
import type { TensorType } from "../graph/shape.ts";
import { launchByRows, perRow, type RowBinding, rowBytes } from "./row_shards.ts";

/** What of the site is not per sequence, and its workspace, which is. */
export interface BatchShards extends LaunchLimits {
  /** Inputs that all sequences read, such as parameters; every launch binds them whole. @default none */
  readonly sharedInputs?: readonly number[];
  /** The same for outputs that have no part per sequence. @default none */
  readonly sharedOutputs?: readonly number[];
  /** A launch uses its part of each, laid out for its sequences alone. @default none */
  readonly scratch?: readonly TensorType[];
}

/** `launch` for each range of sequences, the first axis of input 0, as if there were no others. */
export function launchByBatch<A extends Attributes>(
  site: Site<A>,
  shards: BatchShards,
  launch: (part: Site<A>) => readonly Dispatch[],
): readonly Dispatch[] {
  const { sharedInputs = [], sharedOutputs = [], scratch: workspace = [], ...limits } = shards;
  const [batch] = site.inputs[0].shape;
  const bindingsOf = (
    types: readonly TensorType[],
    at: { readonly bind: (index: number) => Binding; readonly shared: readonly number[] },
  ): readonly RowBinding[] =>
    types.flatMap((type, k) =>
      at.shared.includes(k) ? [] : [perRow(at.bind(k), rowBytes(type, batch))]
    );
  const tensors = [
    ...bindingsOf(site.inputs, { bind: input, shared: sharedInputs }),
    ...bindingsOf(site.outputs, { bind: output, shared: sharedOutputs }),
    ...bindingsOf(workspace, { bind: scratch, shared: [] }),
  ];
  return launchByRows({ rows: batch, perRow: tensors, ...limits }, ({ rows }) => {
    if (rows === batch) return launch(site);
    const partOf = (shared: readonly number[]) => (type: TensorType, k: number): TensorType => {
      const [first, ...rest] = type.shape;
      return shared.includes(k) ? type : { ...type, shape: [first * rows / batch, ...rest] };
    };
    return launch({
      ...site,
      inputs: site.inputs.map(partOf(sharedInputs)),
      outputs: site.outputs.map(partOf(sharedOutputs)),
    });
  });
}
