/** Workspace and launches that a linear scan and its backward pass share. */
import { type Binding, type Dispatch, type LaunchLimits, scratch, type Site } from "../graph/op.ts";
import { f32, type TensorType } from "../graph/shape.ts";
import { launchByBatch } from "./launch_by_batch.ts";
import { linearScanChunks } from "./linear_scan_chunks.ts";

const WORKGROUP = 64;

/** Of each chunk the factor that it carries, and both parts of its map. */
export function linearScanScratch(
  { inputs: [{ shape: [batch, n, channels] }] }: Site,
): readonly TensorType[] {
  const { chunks } = linearScanChunks(n);
  return [f32(batch, chunks, channels), f32(batch, chunks, channels, 2)];
}

/** What differs between the two directions. */
export interface LinearScanDirection {
  /** The shader. */
  readonly source: string;
  /** Kernel of the last launch, after those that reduce and carry chunks. */
  readonly entryPoint: "forward" | "backward";
  /** Operands of every launch, before the first workspace. */
  readonly operands: readonly Binding[];
  /** Behind the first workspace in the last launch; the others have the second workspace there. */
  readonly results: readonly Binding[];
}

/** Launches of all sequences, or cut by sequences. */
export function linearScanLaunches(
  site: Site,
  limits: LaunchLimits | undefined,
  direction: LinearScanDirection,
): readonly Dispatch[] {
  return launchByBatch(
    site,
    { scratch: linearScanScratch(site), ...limits },
    (part) => walks(part, direction),
  );
}

function walks(
  { inputs: [{ shape: [batch, n, channels] }] }: Site,
  { source, entryPoint, operands, results }: LinearScanDirection,
): readonly Dispatch[] {
  const { chunk, chunks } = linearScanChunks(n);
  const launch = (kernel: string, invocations: number): Dispatch => ({
    source,
    shader: "linear_scan",
    entryPoint: kernel,
    overrides: {
      B: batch,
      N: n,
      C: channels,
      CHUNK: chunk,
      CHUNKS: chunks,
      WALK_BACK: entryPoint === "backward" ? 1 : 0,
      WORKGROUP,
    },
    bindings: [
      ...operands,
      scratch(0),
      ...(kernel === entryPoint ? results : [scratch(1)]),
    ],
    workgroups: Math.ceil(invocations / WORKGROUP),
  });
  const all = batch * chunks * channels;
  return [
    ...(chunks > 1 ? [launch("reduce", all), launch("carry", batch * channels)] : []),
    launch(entryPoint, all),
  ];
}
