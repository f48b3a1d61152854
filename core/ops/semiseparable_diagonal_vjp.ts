/** What the low-rank part adds to the exact gradient of a resolvent's diagonal. docs/mathematics.md §13. */
import factors from "../../shaders/semiseparable_diagonal.wgsl" with { type: "text" };
import source from "../../shaders/semiseparable_diagonal_vjp.wgsl" with { type: "text" };
import {
  type Binding,
  type Dispatch,
  input,
  type Op,
  output,
  type Preset,
  scratch,
  type Site,
  type Trial,
} from "../graph/op.ts";
import { f32, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { bkFormParameters, SEQUENTIAL } from "./bk_forms.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { denseResolvent, weightedSquare } from "./semiseparable_by_inverse.ts";
import {
  bkDispatches,
  bkScratch,
  factorDispatches,
  gramDispatches,
  lowRankRounds,
  lowRankScratch,
  lowRankSizes,
  type SemiseparableAttributes,
  solveDispatches,
} from "./semiseparable_launches.ts";

export interface SemiseparableVjpAttributes extends SemiseparableAttributes {
  /** Whether the gradient of the couplings is wanted. */
  readonly with_p: boolean;
}

/** With P = G W G and its tridiagonal part R W R taken off; the caller adds what bk_core_vjp gives. */
export interface SemiseparableGradients {
  /** Re (R W R - P)_jj, (B, H, N). */
  readonly dv: Tensor;
  /** Im (R W R - P)_jj, (B, H, N). */
  readonly dz: Tensor;
  /** Re (R W R - P)_{k, k + 1} / sqrt(p_k), (B H, N - 1); (1, 1) zero without `with_p`. */
  readonly dp: Tensor;
  /** Re P U, summed over sequences and channels, (N, r). */
  readonly pu: Tensor;
}

/** inputs: v, p, eta, lambda, u, sigma as in semiseparable_diagonal, and dg (B, H, N, 2). */
export function semiseparableDiagonalVjp(
  inputs: readonly Tensor[],
  attributes: SemiseparableVjpAttributes,
): SemiseparableGradients {
  const [dv, dz, dp, pu] = applyAll(op, inputs, attributes);
  return { dv, dz, dp, pu };
}

function reference(
  site: Site<SemiseparableVjpAttributes>,
  { inputs: [v, p, eta, lambda, u, sigma, dg], outputs: [dv, dz, dp, pu] }: {
    readonly inputs: readonly Float64Array[];
    readonly outputs: readonly Float64Array[];
  },
): void {
  const [batch, heads, n] = site.inputs[0].shape;
  const rank = sigma.length;
  dp.fill(0);
  pu.fill(0);
  for (let chain = 0; chain < batch * heads; chain++) {
    const head = chain % heads;
    const couplings = Array.from({ length: n - 1 }, (_, k) => p[p.length === n - 1 ? k : 0]);
    const given = {
      diagonal: Array.from({ length: n }, (_, i) => site.attributes.a + v[chain * n + i]),
      couplings,
      lambda: lambda[lambda.length === heads ? head : 0],
      eta: eta[eta.length === heads ? head : 0],
      u,
    };
    const w = dg.subarray(2 * chain * n, 2 * (chain + 1) * n);
    const whole = weightedSquare(denseResolvent({ ...given, sigma }), w);
    const band = weightedSquare(denseResolvent({ ...given, sigma: new Float64Array(rank) }), w);
    for (let j = 0; j < n; j++) {
      dv[chain * n + j] = band.re[j * (n + 1)] - whole.re[j * (n + 1)];
      dz[chain * n + j] = band.im[j * (n + 1)] - whole.im[j * (n + 1)];
      const next = j * n + j + 1;
      if (site.attributes.with_p && j + 1 < n) {
        dp[chain * (n - 1) + j] = (band.re[next] - whole.re[next]) / Math.sqrt(couplings[j]);
      }
      for (let i = 0; i < n; i++) {
        for (let a = 0; a < rank; a++) pu[j * rank + a] += whole.re[j * n + i] * u[i * rank + a];
      }
    }
  }
}

/** Scratch 0 to 3: lowRankScratch; 4: Q; 5: pivots; then bk_core's. */
function launches(
  site: Site<SemiseparableVjpAttributes>,
  preset: Preset,
): readonly Dispatch[] {
  const sizes = lowRankSizes(site);
  const { chains, n, rank, pStep } = sizes;
  const [x, transfer, partials, small, q, pivots] = [0, 1, 2, 3, 4, 5].map(scratch);
  const at = { source: factors, sizes, pivots, transfer, partials, small };
  const launch = (
    entryPoint: string,
    threads: number,
    bindings: readonly Binding[],
    overrides: Readonly<Record<string, number>> = {},
  ): Dispatch =>
    dispatchThreads({
      source,
      shader: "semiseparable_diagonal_vjp",
      entryPoint,
      threads,
      overrides: { N: n, R: rank, CHAINS: chains, P_STEP: pStep, ...overrides },
      bindings,
    });
  return [
    ...bkDispatches(site, { mode: "causal", preset, result: pivots, firstScratch: 6 }),
    ...factorDispatches(at, x),
    launch("weigh", chains * n * rank, [x, q, input(6)]),
    ...gramDispatches(at, { left: x, isComplex: true, right: q, slot: 0 }),
    ...solveDispatches(at, q),
    launch("combine", chains * rank * rank, [small, input(5)]),
    launch(
      "sites",
      chains * n,
      [x, q, small, input(5), input(1), output(0), output(1), output(2)],
      { WITH_P: Number(site.attributes.with_p) },
    ),
    launch("columns", n * rank, [x, q, small, output(3)]),
  ];
}

const trial = (
  name: string,
  [batch, heads, n, rank]: readonly [number, number, number, number],
  at: { readonly with_p: boolean; readonly run?: number },
): Trial<SemiseparableVjpAttributes> => ({
  name: `${name}, ${at.with_p ? "with" : "without"} the couplings' gradient`,
  inputs: [
    { type: f32(batch, heads, n), law: (_, u) => 6 * u - 3 },
    { type: f32(at.with_p ? n - 1 : 1), law: (_, u) => 0.2 + 1.8 * u },
    { type: f32(1), law: [0.5] },
    { type: f32(1), law: [0.25] },
    { type: f32(n, rank), law: "normal" },
    { type: f32(rank), law: (k, u) => k % 5 === 4 ? 0 : (k % 2 === 0 ? 1 : -1) * (0.3 + u) },
    { type: f32(batch, heads, n, 2), law: "normal" },
  ],
  attributes: { a: -2, run: at.run ?? 0, with_p: at.with_p, ...SEQUENTIAL },
  tolerance: 2e-5, // two solves and two sums of both signs
  gradientTolerance: false,
});

/** Found by the loop over all ops. */
export const op: Op<SemiseparableVjpAttributes> = {
  name: "semiseparable_diagonal_vjp",
  signature: {
    doc: "What the low-rank part adds to the gradient of semiseparable_diagonal",
    inputs: [
      { name: "v", doc: "potential (B, H, N)" },
      { name: "p", doc: "squared bonds (N - 1) or (1)", minimum: 0 },
      { name: "eta", doc: "(H) or (1)", above: 0 },
      { name: "lambda", doc: "(H) or (1)" },
      { name: "u", doc: "(N, r)" },
      { name: "sigma", doc: "(r)" },
      { name: "dg", doc: "cotangent of g (B, H, N, 2)" },
    ],
    outputs: [
      { name: "dv", doc: "(B, H, N)" },
      { name: "dz", doc: "(B, H, N)" },
      { name: "dp", doc: "(B H, N - 1), or (1, 1)" },
      { name: "pu", doc: "(N, r)" },
    ],
    params: {
      a: { default: -2, doc: "constant part of the diagonal" },
      run: { default: 0, doc: "sites per run of the solves and of the sums; 0: by the length" },
      with_p: { default: true, doc: "whether dp is computed" },
      ...bkFormParameters,
    },
  },
  infer: ([v, , , , u], { with_p }) => {
    const [batch, heads, n] = v.shape;
    const dp = with_p ? f32(batch * heads, n - 1) : f32(1, 1);
    return [f32(...v.shape), f32(...v.shape), dp, f32(...u.shape)];
  },
  reference,
  scratch: (site) => [
    ...lowRankScratch(lowRankSizes(site)),
    lowRankScratch(lowRankSizes(site))[0],
    f32(...site.inputs[0].shape, 2),
    ...bkScratch(site, "causal"),
  ],
  lower: { webgpu: launches },
  rounds: (site) => {
    const sizes = lowRankSizes(site);
    return Math.max(lowRankRounds(sizes), sizes.chains * (sizes.rank + 1));
  },
  cost: ({ inputs: [v, , , , u, { shape: [rank] }] }) => {
    const sites = sizeOf(v.shape);
    return {
      flops: sites * (14 + 70 * rank + 60 * rank * rank),
      bytes: 4 * (5 * sites + 2 * sizeOf(u.shape) + rank),
    };
  },
  trials: [
    trial("one column", [1, 1, 7, 1], { with_p: true }),
    trial("a prime length", [2, 3, 29, 5], { with_p: true }),
    trial("runs and a site over", [2, 2, 31, 3], { with_p: true, run: 10 }),
    trial("one coupling", [2, 3, 23, 7], { with_p: false }),
  ],
};
