/** Workspace and launches of the exact gradient of BK-Core. docs/mathematics.md §5. */
import {
  type Binding,
  type Dispatch,
  input,
  type LaunchLimits,
  output,
  type Preset,
  scratch,
  type Site,
} from "../graph/op.ts";
import { f32, type TensorType } from "../graph/shape.ts";
import type { BkCoreVjpAttributes } from "./bk_core_vjp.ts";
import { type BkForm, chunksOf } from "./bk_forms.ts";
import {
  bkDispatch,
  bkEntryDispatches,
  bkEntryScratch,
  bkLanes,
  bkWalkRounds,
  hasOwnCouplings,
} from "./bk_launches.ts";
import { launchByBatch } from "./launch_by_batch.ts";

/** One application, and how it is launched. */
interface Launched extends Site<BkCoreVjpAttributes> {
  /** bk_core_vjp.wgsl. */
  readonly source: string;
  /** bk_core.wgsl. */
  readonly pivots: string;
  readonly preset: Preset;
}

/** Rows of sums over chunks that are added up first where there are many terms. */
const FOLDED_ROWS = 64;
/** Most terms that `totals` adds up without that. */
const MOST_TERMS = 4096;
/** Invocations of `totals` for one value. */
const LANES = 32;

/** Rows (B chunks) of sums over chunks, and how many they are once folded; as many where they are not. */
function rowsOf({ inputs: [v], attributes }: Site<BkCoreVjpAttributes>): {
  readonly rows: number;
  readonly folded: number;
} {
  const [batch, heads, n] = v.shape;
  const rows = batch * chunksOf(attributes, n).chunks;
  return { rows, folded: rows * heads > MOST_TERMS ? Math.ceil(rows / FOLDED_ROWS) : rows };
}

/** Most loop rounds of one invocation. */
export function bkCoreVjpRounds(site: Site<BkCoreVjpAttributes>): number {
  const { inputs: [v], attributes } = site;
  const [, heads, n] = v.shape;
  const totals = Math.ceil(rowsOf(site).folded * heads / LANES) + LANES;
  return Math.max(bkWalkRounds(attributes, n), totals, FOLDED_ROWS);
}

/**
 * Scratch 0: pivots and entries of the linear scans; 1: sums over chunks; 2, for a carry: chunks as linear maps; then
 * bk_core's; last, where they are many, the sums over chunks folded.
 */
export function bkCoreVjpScratch(site: Site<BkCoreVjpAttributes>): readonly TensorType[] {
  const { rows, folded } = rowsOf(site);
  const heads = site.inputs[0].shape[1];
  return [...walkScratch(site), ...(folded < rows ? [f32(folded, heads, 4)] : [])];
}

/** What walks use, all of it one part per sequence. */
function walkScratch(
  { inputs, attributes }: Site<BkCoreVjpAttributes>,
): readonly TensorType[] {
  const [batch, heads, n] = inputs[0].shape;
  const chains = batch * heads;
  const { chunks } = chunksOf(attributes, n);
  const directions = attributes.mode === "causal" ? 1 : 2;
  const held = directions === 1 ? 0 : 2 * chains * n;
  return [
    f32(held + directions * chains * chunks, 2),
    f32(batch * chunks, heads, 4),
    ...(attributes.form === "carry" ? [f32(directions, chains, chunks, 4)] : []),
    ...(directions === 1 ? [] : bkEntryScratch(inputs, { form: attributes, directions })),
  ];
}

/** Launches that put the left and right pivots at every site into scratch 0. */
function pivotDispatches(
  { pivots, preset, inputs, attributes }: Launched,
): readonly Dispatch[] {
  const site = { source: pivots, inputs, attributes, preset };
  const [batch, heads, n] = inputs[0].shape;
  const first = attributes.form === "carry" ? 3 : 2;
  return [
    ...bkEntryDispatches(site, { first, directions: 2 }),
    bkDispatch(site, {
      entryPoint: "pivots",
      bindings: [scratch(first), scratch(0)],
      invocations: 2 * batch * heads * chunksOf(attributes, n).chunks,
      overrides: { DIRECTIONS: 2 },
    }),
  ];
}

/** Launches of all sequences, or cut by sequences, each with its part of the workspace. */
export function bkCoreVjpLaunches(site: Site<BkCoreVjpAttributes>, options: {
  readonly source: string;
  readonly pivots: string;
  readonly preset: Preset;
  readonly limits: LaunchLimits | undefined;
}): readonly Dispatch[] {
  const { limits, ...how } = options;
  const { with_p, with_z } = site.attributes;
  const ownCouplings = hasOwnCouplings(site.inputs);
  const shards = {
    sharedInputs: [1, 2, 3],
    sharedOutputs: with_p && ownCouplings ? [2, 3] : [1, 2, 3],
    scratch: walkScratch(site),
    ...limits,
  };
  return [
    ...launchByBatch(site, shards, (part) => walks({ ...part, ...how })),
    ...(with_z || (with_p && !ownCouplings) ? totals({ ...site, ...how }) : []),
  ];
}

/** The sums over chunks of all sequences, added up. */
function totals(site: Launched): readonly Dispatch[] {
  const { source, inputs: [v, p, eta, lambda], attributes: { with_p, with_z } } = site;
  const heads = v.shape[1];
  const { rows, folded } = rowsOf(site);
  const last = scratch(walkScratch(site).length);
  const isFolded = folded < rows;
  const fold: Dispatch = {
    source,
    shader: "bk_core_vjp",
    entryPoint: "fold",
    overrides: { HEADS: heads, PARTS: rows, FOLDED_ROWS, WORKGROUP: LANES },
    bindings: [scratch(1), last],
    workgroups: Math.ceil(folded * heads / LANES),
  };
  const ownCouplings = hasOwnCouplings([v, p]);
  // One workgroup for each value that is stored: of eta, of lambda, of p.
  const etas = with_z ? eta.shape[0] : 0;
  const lambdas = with_z ? lambda.shape[0] : 0;
  const outputs = etas + lambdas + (with_p && !ownCouplings ? 1 : 0);
  const total: Dispatch = {
    source,
    shader: "bk_core_vjp",
    entryPoint: "totals",
    overrides: { HEADS: heads, PARTS: folded, ETAS: etas, LAMBDAS: lambdas, OUTPUTS: outputs },
    // Of couplings of their own nothing is written here, so no more of dp is bound than must be.
    bindings: [
      isFolded ? last : scratch(1),
      ownCouplings ? { ...output(1), byteLength: 4 } : output(1),
      output(2),
      output(3),
    ],
    workgroups: outputs,
  };
  return isFolded ? [fold, total] : [total];
}

function walks(site: Launched): readonly Dispatch[] {
  const { source, preset, inputs: [v, p], attributes } = site;
  const [batch, heads, n] = v.shape;
  const { chunk, chunks } = chunksOf(attributes, n);
  const chains = batch * heads;
  const isCausal = attributes.mode === "causal";
  const directions = isCausal ? 1 : 2;
  const common = {
    CAUSAL: Number(isCausal),
    N: n,
    CHAINS: chains,
    HEADS: heads,
    P_STEP: Number(hasOwnCouplings([v, p])),
    CHUNK: chunk,
    CHUNKS: chunks,
    // A carried linear scan starts at the edge: rounding there is forgotten, never enlarged.
    WARM_UP: attributes.form === "halo" ? attributes.warm_up : 0,
    ENTERED: Number(attributes.form !== "halo"),
    DIRECTIONS: directions,
    WITH_P: Number(attributes.with_p),
    WORKGROUP: bkLanes(preset),
  };
  const launch = (entryPoint: string, launched: {
    readonly invocations: number;
    readonly bindings?: readonly Binding[];
    readonly step?: number;
  }): Dispatch => ({
    source,
    shader: "bk_core_vjp",
    entryPoint,
    overrides: { ...common, STEP: launched.step ?? 1 },
    bindings: [input(1), input(4), input(5), scratch(0), ...(launched.bindings ?? [])],
    workgroups: Math.ceil(launched.invocations / common.WORKGROUP),
  });
  const walks = directions * chains;
  const entries: Readonly<Record<BkForm, () => readonly Dispatch[]>> = {
    sequential: () =>
      Array.from(
        { length: chunks - 1 },
        (_, k) => launch("relay", { invocations: walks, step: k + 1 }),
      ),
    halo: () => [],
    carry: () => [
      launch("reduce", { invocations: walks * chunks, bindings: [scratch(2)] }),
      launch("carry", { invocations: walks, bindings: [scratch(2)] }),
    ],
  };
  return [
    // The causal adjoint needs the pivots g alone; the other recomputes left and right pivots from v.
    ...(isCausal ? [] : pivotDispatches(site)),
    ...entries[attributes.form](),
    launch("backward", {
      invocations: chains * chunks,
      bindings: [output(0), output(1), scratch(1)],
    }),
  ];
}
