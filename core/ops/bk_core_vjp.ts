/** Exact gradients of BK-Core in O(N). docs/mathematics.md §5. */
import pivots from "../../shaders/bk_core.wgsl" with { type: "text" };
import source from "../../shaders/bk_core_vjp.wgsl" with { type: "text" };
import {
  type Binding,
  type Dispatch,
  input,
  type LaunchLimits,
  type Op,
  output,
  type Preset,
  scratch,
  type Site,
  type Trial,
} from "../graph/op.ts";
import { f32, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import type { BkChainAttributes, BkDirection } from "./bk_core.ts";
import {
  type BkForm,
  type BkFormAttributes,
  bkFormParameters,
  chunksOf,
  SEQUENTIAL,
} from "./bk_forms.ts";
import { bkDispatch, bkEntryDispatches, bkEntryScratch, bkLanes } from "./bk_launches.ts";
import { launchByBatch } from "./launch_by_batch.ts";
import { resolventGradient } from "./resolvent_by_elimination.ts";

export interface BkCoreVjpAttributes extends BkChainAttributes {
  /** Whether the gradient of the couplings is wanted. */
  readonly with_p: boolean;
}

/** Gradients in parts; the caller sums rows. */
export interface BkCoreGradients {
  /** (B, H, N). */
  readonly dv: Tensor;
  /** Couplings of their own: (B H, N - 1). One for all: (B chunks H, 1). */
  readonly dp: Tensor;
  /** (B chunks, H), as is dlambda. */
  readonly deta: Tensor;
  readonly dlambda: Tensor;
}

/** inputs: v, p, eta, lambda, g as in bk_core, and dg (B, H, N, 2). */
export function bkCoreVjp(
  inputs: readonly Tensor[],
  attributes: BkCoreVjpAttributes,
): BkCoreGradients {
  const [dv, dp, deta, dlambda] = applyAll(op, inputs, attributes);
  return { dv, dp, deta, dlambda };
}

function infer(
  [v, p]: readonly TensorType[],
  attributes: BkCoreVjpAttributes,
): readonly TensorType[] {
  const [batch, heads, n] = v.shape;
  const parts = batch * chunksOf(attributes, n).chunks;
  const single = attributes.with_p ? parts * heads : 1;
  const dp = attributes.with_p && p.shape[0] === n - 1 ? f32(batch * heads, n - 1) : f32(single, 1);
  return [f32(...v.shape), dp, f32(parts, heads), f32(parts, heads)];
}

function reference(
  site: Site<BkCoreVjpAttributes>,
  { inputs: [v, p, eta, lambda, , dg], outputs: [dv, dp, deta, dlambda] }: {
    readonly inputs: readonly Float64Array[];
    readonly outputs: readonly Float64Array[];
  },
): void {
  const [batch, heads, n] = site.inputs[0].shape;
  const { a, mode, with_p } = site.attributes;
  const { chunk, chunks } = chunksOf(site.attributes, n);
  for (const output of [dp, deta, dlambda]) output.fill(0);
  for (let chain = 0; chain < batch * heads; chain++) {
    const head = chain % heads;
    const found = resolventGradient({
      diagonal: Array.from({ length: n }, (_, i) => a + v[chain * n + i]),
      couplings: Array.from({ length: n - 1 }, (_, k) => p[p.length === n - 1 ? k : 0]),
      lambda: lambda[lambda.length === heads ? head : 0],
      eta: eta[eta.length === heads ? head : 0],
      mode,
    }, dg.subarray(2 * chain * n, 2 * (chain + 1) * n));
    dv.set(found.diagonal, chain * n);
    if (with_p && p.length === n - 1) dp.set(found.couplings, chain * (n - 1));
    for (let i = 0; i < n; i++) {
      const part = (Math.floor(chain / heads) * chunks + Math.floor(i / chunk)) * heads + head;
      deta[part] += found.eta[i];
      dlambda[part] += found.lambda[i];
      if (with_p && p.length !== n - 1 && i + 1 < n) dp[part] += found.couplings[i];
    }
  }
}

/** Scratch 0: pivots and entries of the linear scans; 1, for a carry: chunks as linear maps; then bk_core's. */
function workspace(
  { inputs, attributes }: Site<BkCoreVjpAttributes>,
): readonly TensorType[] {
  const [batch, heads, n] = inputs[0].shape;
  const chains = batch * heads;
  const { chunks } = chunksOf(attributes, n);
  const directions = attributes.mode === "causal" ? 1 : 2;
  const held = directions === 1 ? 0 : 2 * chains * n;
  return [
    f32(held + directions * chains * chunks, 2),
    ...(attributes.form === "carry" ? [f32(directions, chains, chunks, 4)] : []),
    ...(directions === 1 ? [] : bkEntryScratch(inputs, { form: attributes, directions })),
  ];
}

/** Launches that put the left and right pivots at every site into scratch 0. */
function pivotDispatches(
  { inputs, attributes }: Site<BkCoreVjpAttributes>,
  preset: Preset,
): readonly Dispatch[] {
  const site = { source: pivots, inputs, attributes, preset };
  const [batch, heads, n] = inputs[0].shape;
  const first = attributes.form === "carry" ? 2 : 1;
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
function launches(
  site: Site<BkCoreVjpAttributes>,
  preset: Preset,
  limits?: LaunchLimits,
): readonly Dispatch[] {
  const shards = {
    sharedInputs: [1, 2, 3],
    sharedOutputs: site.attributes.with_p ? [] : [1],
    scratch: workspace(site),
    ...limits,
  };
  return launchByBatch(site, shards, (part) => walks(part, preset));
}

function walks(site: Site<BkCoreVjpAttributes>, preset: Preset): readonly Dispatch[] {
  const { inputs: [v, p], attributes } = site;
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
    P_STEP: p.shape[0] === n - 1 ? 1 : 0,
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
      launch("reduce", { invocations: walks * chunks, bindings: [scratch(1)] }),
      launch("carry", { invocations: walks, bindings: [scratch(1)] }),
    ],
  };
  return [
    // The causal adjoint needs the pivots g alone; the other recomputes left and right pivots from v.
    ...(isCausal ? [] : pivotDispatches(site, preset)),
    ...entries[attributes.form](),
    launch("backward", {
      invocations: chains * chunks,
      bindings: [output(0), output(1), output(2), output(3)],
    }),
  ];
}

const carry: BkFormAttributes = { form: "carry", chunk: 8, warm_up: 3 };
const halo: BkFormAttributes = { form: "halo", chunk: 8, warm_up: 5 };

const trial = (
  mode: BkDirection,
  with_p: boolean,
  form: BkFormAttributes = SEQUENTIAL,
): Trial<BkCoreVjpAttributes> => ({
  name: `${mode}, ${with_p ? "with" : "without"} the couplings' gradient, ${form.form}`,
  inputs: [
    { type: f32(2, 3, 29), law: (_, u) => 6 * u - 3 },
    { type: f32(with_p ? 28 : 1), law: (_, u) => 0.2 + 1.8 * u },
    { type: f32(1), law: [0.5] },
    { type: f32(1), law: [0.25] },
    { type: f32(2, 3, 29, 2), law: "normal" },
    { type: f32(2, 3, 29, 2), law: "normal" },
  ],
  attributes: { a: -2, mode, with_p, ...form },
  // g here is not the g of v, so only the shapes and the repeatability of this op are checked by this
  // trial; its values are checked through bk_core, whose g belongs to its v.
  tolerance: Infinity,
  gradientTolerance: false,
});

export const op: Op<BkCoreVjpAttributes> = {
  name: "bk_core_vjp",
  signature: {
    doc: "Gradients of bk_core in parts: sums over the sites of a chunk of a chain",
    inputs: [
      { name: "v", doc: "potential (B, H, N)" },
      { name: "p", doc: "couplings (N - 1) or (1)" },
      { name: "eta", doc: "(H) or (1)" },
      { name: "lambda", doc: "(H) or (1)" },
      { name: "g", doc: "output of bk_core (B, H, N, 2)" },
      { name: "dg", doc: "cotangent of g (B, H, N, 2)" },
    ],
    outputs: [
      { name: "dv", doc: "(B, H, N)" },
      { name: "dp", doc: "(B H, N - 1), or (B chunks H, 1) for one coupling" },
      { name: "deta", doc: "(B chunks, H)" },
      { name: "dlambda", doc: "(B chunks, H)" },
    ],
    params: {
      a: { default: -2, doc: "constant part of the diagonal" },
      mode: { default: "causal", choices: ["causal", "bidirectional"], doc: "which resolvent" },
      with_p: { default: true, doc: "whether dp is computed" },
      ...bkFormParameters,
    },
  },
  infer,
  reference,
  scratch: workspace,
  lower: { webgpu: launches },
  cost: ({ inputs: [v], attributes: { mode } }) => {
    const sites = v.shape.reduce((product, n) => product * n, 1);
    return mode === "causal"
      ? { flops: 16 * sites, bytes: 28 * sites }
      : { flops: 60 * sites, bytes: 96 * sites };
  },
  trials: (["causal", "bidirectional"] as const).flatMap((mode) => [
    trial(mode, true),
    trial(mode, false),
    trial(mode, true, carry),
    trial(mode, false, carry),
    trial(mode, true, halo),
    trial(mode, false, halo),
  ]),
};
