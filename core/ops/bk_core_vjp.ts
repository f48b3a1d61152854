/** Exact gradients of BK-Core in O(N). docs/mathematics.md §5. */
import pivots from "../../shaders/bk_core.wgsl" with { type: "text" };
import source from "../../shaders/bk_core_vjp.wgsl" with { type: "text" };
import type { Op, Site, Trial } from "../graph/op.ts";
import { f32, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import type { BkChainAttributes, BkDirection } from "./bk_core.ts";
import { bkCoreVjpLaunches, bkCoreVjpRounds, bkCoreVjpScratch } from "./bk_core_vjp_launches.ts";
import { hasOwnCouplings } from "./bk_launches.ts";
import { type BkFormAttributes, bkFormParameters, SEQUENTIAL } from "./bk_forms.ts";
import { reshape } from "./reshape.ts";
import { resolventGradient } from "./resolvent_by_elimination.ts";
import { sum } from "./sum.ts";

export interface BkCoreVjpAttributes extends BkChainAttributes {
  /** Whether the gradient of the couplings is wanted. */
  readonly with_p: boolean;
  /** Whether the gradients of eta and lambda are wanted. */
  readonly with_z: boolean;
}

/** Gradients, each of the shape of its operand but for couplings of their own. */
export interface BkCoreGradients {
  /** (B, H, N). */
  readonly dv: Tensor;
  /** One coupling for all, or not wanted: (1). Couplings of their own: (B H, N - 1), rows for `couplingGradient`. */
  readonly dp: Tensor;
  /** (H) or (1), as is dlambda. */
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

/** The gradient by the couplings in their own shape. */
export function couplingGradient({ dp }: BkCoreGradients, p: Tensor): Tensor {
  return dp.type.shape.length === 1 ? dp : reshape(sum(dp, { axis: 0 }), p.type.shape);
}

function infer(
  [v, p, eta, lambda]: readonly TensorType[],
  { with_p }: BkCoreVjpAttributes,
): readonly TensorType[] {
  const [batch, heads, n] = v.shape;
  const dp = with_p && hasOwnCouplings([v, p]) ? f32(batch * heads, n - 1) : f32(1);
  return [f32(...v.shape), dp, f32(...eta.shape), f32(...lambda.shape)];
}

function reference(
  site: Site<BkCoreVjpAttributes>,
  { inputs: [v, p, eta, lambda, , dg], outputs: [dv, dp, deta, dlambda] }: {
    readonly inputs: readonly Float64Array[];
    readonly outputs: readonly Float64Array[];
  },
): void {
  const [batch, heads, n] = site.inputs[0].shape;
  const { a, mode, with_p, with_z } = site.attributes;
  const ownCouplings = hasOwnCouplings(site.inputs);
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
    if (with_p && ownCouplings) dp.set(found.couplings, chain * (n - 1));
    const total = (terms: ArrayLike<number>): number =>
      Array.from(terms).reduce((sum, term) => sum + term, 0);
    if (with_p && !ownCouplings) dp[0] += total(found.couplings);
    if (!with_z) continue;
    deta[deta.length === heads ? head : 0] += total(found.eta);
    dlambda[dlambda.length === heads ? head : 0] += total(found.lambda);
  }
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
  attributes: { a: -2, mode, with_p, with_z: with_p, ...form },
  // g here is not the g of v, so only the shapes and the repeatability of this op are checked by this
  // trial; its values are checked through bk_core, whose g belongs to its v.
  tolerance: Infinity,
  gradientTolerance: false,
});

export const op: Op<BkCoreVjpAttributes> = {
  name: "bk_core_vjp",
  signature: {
    doc: "Gradients of bk_core",
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
      { name: "dp", doc: "(B H, N - 1), or (1) for one coupling; undefined without with_p" },
      { name: "deta", doc: "as eta; undefined without with_z" },
      { name: "dlambda", doc: "as lambda; undefined without with_z" },
    ],
    params: {
      a: { default: -2, doc: "constant part of the diagonal" },
      mode: { default: "causal", choices: ["causal", "bidirectional"], doc: "which resolvent" },
      with_p: { default: true, doc: "whether dp is computed" },
      with_z: { default: true, doc: "whether deta and dlambda are computed" },
      ...bkFormParameters,
    },
  },
  infer,
  reference,
  scratch: bkCoreVjpScratch,
  rounds: bkCoreVjpRounds,
  lower: {
    webgpu: (site, preset, limits) => bkCoreVjpLaunches(site, { source, pivots, preset, limits }),
  },
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
