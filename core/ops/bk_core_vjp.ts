/** Exact gradients of BK-Core in O(N). docs/mathematics.md §5. */
import source from "../../shaders/bk_core_vjp.wgsl" with { type: "text" };
import {
  type Attributes,
  type Binding,
  input,
  type Op,
  output,
  scratch,
  type Site,
  type Trial,
} from "../graph/op.ts";
import { f32, type Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { bkCoreOverrides, type BkDirection } from "./bk_core.ts";
import { resolventGradient } from "./resolvent_by_elimination.ts";

export interface BkCoreVjpAttributes extends Attributes {
  readonly a: number;
  readonly mode: BkDirection;
  /** Whether the gradient of the couplings is wanted. */
  readonly with_p: boolean;
}

/** Gradients per chain; the caller sums over the batch. */
export interface BkCoreGradients {
  /** (B, H, N). */
  readonly dv: Tensor;
  /** (B H, size of p). */
  readonly dp: Tensor;
  /** Shape of p. */
  readonly dpShape: Shape;
  /** (B H). */
  readonly deta: Tensor;
  readonly dlambda: Tensor;
}

/** inputs: v, p, eta, lambda, g as in bk_core, and dg (B, H, N, 2). */
export function bkCoreVjp(
  inputs: readonly Tensor[],
  attributes: BkCoreVjpAttributes,
): BkCoreGradients {
  const { a, mode, with_p } = attributes;
  const [dv, dp, deta, dlambda] = applyAll(op, inputs, { a, mode, with_p });
  return { dv, dp, deta, dlambda, dpShape: inputs[1].type.shape };
}

function bindings(mode: BkDirection): readonly Binding[] {
  const shared = [input(1), input(4), input(5), output(0), output(1), output(2), output(3)];
  // The causal adjoint needs the pivots g alone; the other recomputes left and right pivots from v.
  return mode === "causal" ? shared : [...shared, input(0), input(2), input(3), scratch(0)];
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
    deta[chain] = found.eta;
    dlambda[chain] = found.lambda;
    if (!with_p) continue;
    if (p.length === n - 1) dp.set(found.couplings, chain * (n - 1));
    else dp[chain] = found.couplings.reduce((total, value) => total + value, 0);
  }
}

const trial = (mode: BkDirection, with_p: boolean): Trial<BkCoreVjpAttributes> => ({
  name: `${mode}, ${with_p ? "with" : "without"} the couplings' gradient`,
  inputs: [
    { type: f32(2, 3, 29), law: (_, u) => 6 * u - 3 },
    { type: f32(with_p ? 28 : 1), law: (_, u) => 0.2 + 1.8 * u },
    { type: f32(1), law: [0.5] },
    { type: f32(1), law: [0.25] },
    { type: f32(2, 3, 29, 2), law: "normal" },
    { type: f32(2, 3, 29, 2), law: "normal" },
  ],
  attributes: { a: -2, mode, with_p },
  // g here is not the g of v, so only the shapes and the repeatability of this op are checked by this
  // trial; its values are checked through bk_core, whose g belongs to its v.
  tolerance: Infinity,
  gradientTolerance: false,
});

export const op: Op<BkCoreVjpAttributes> = {
  name: "bk_core_vjp",
  signature: {
    doc: "Gradients of bk_core per chain",
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
      { name: "dp", doc: "(B H, size of p)" },
      { name: "deta", doc: "(B H)" },
      { name: "dlambda", doc: "(B H)" },
    ],
    params: {
      a: { default: -2, doc: "constant part of the diagonal" },
      mode: { default: "causal", choices: ["causal", "bidirectional"], doc: "which resolvent" },
      with_p: { default: true, doc: "whether dp is computed" },
    },
  },
  infer: ([v, p], { with_p }) => {
    const chains = v.shape[0] * v.shape[1];
    return [f32(...v.shape), f32(chains, with_p ? p.shape[0] : 1), f32(chains), f32(chains)];
  },
  reference,
  scratch: ({ inputs: [v], attributes: { mode } }) => mode === "causal" ? [] : [f32(...v.shape, 2)],
  lower: {
    webgpu: ({ inputs, attributes: { a, mode, with_p } }, preset) => {
      const chains = inputs[0].shape[0] * inputs[0].shape[1];
      const lanes = preset === "gpu" ? 64 : 8;
      const common = bkCoreOverrides(inputs, a);
      const names = mode === "causal" ? ["N", "CHAINS", "P_STEP"] : Object.keys(common);
      return [{
        source,
        shader: "bk_core_vjp",
        entryPoint: mode,
        overrides: {
          ...Object.fromEntries(names.map((name) => [name, common[name]])),
          P_SIZE: inputs[1].shape[0],
          WITH_P: Number(with_p),
          WORKGROUP: lanes,
        },
        bindings: bindings(mode),
        workgroups: Math.ceil(chains / lanes),
      }];
    },
  },
  cost: ({ inputs: [v], attributes: { mode } }) => {
    const sites = v.shape.reduce((product, n) => product * n, 1);
    return mode === "causal"
      ? { flops: 16 * sites, bytes: 28 * sites }
      : { flops: 60 * sites, bytes: 96 * sites };
  },
  trials: [
    trial("causal", true),
    trial("causal", false),
    trial("bidirectional", true),
    trial("bidirectional", false),
  ],
};
