/**
 * Diagonal of the resolvent of a tridiagonal matrix plus a symmetric low-rank one, in O(N r + N r^2).
 *
 * Sources
 *   [1] docs/mathematics.md §13 (identity, bound, gradients).
 *   [2] Hager, "Updating the inverse of a matrix", SIAM Review 31 (1989), equation (1) (Woodbury's identity).
 * Symbols
 *   H  T + U diag(sigma) U^T, real symmetric; T has diagonal a + v_i and bonds sqrt(p_k)
 *   z  = lambda + i eta, eta > 0;   R = (T - z)^-1,   G = (H - z)^-1
 * Departures
 *   (I + diag(sigma) U^T R U)^-1 takes the place of (diag(sigma)^-1 + U^T R U)^-1, so that sigma may be 0. The
 *   left factor of the low-rank part is the right one scaled, which keeps H symmetric and |G_ij| <= 1/eta.
 *   The reference inverts H - z as a dense matrix.
 *
 * Every G_ii depends on every token: not causal, so never an input of a next-token loss.
 */
import source from "../../shaders/semiseparable_diagonal.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Dispatch,
  type Op,
  output,
  type Preset,
  scratch,
  type Site,
  stopped,
  type Trial,
  type VjpSite,
} from "../graph/op.ts";
import { f32, formatShape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { add } from "./add.ts";
import { op as bkCoreOp } from "./bk_core.ts";
import { bkCoreVjp, couplingGradient } from "./bk_core_vjp.ts";
import { type BkBounds, bkFormParameters, chooseBkForm, SEQUENTIAL } from "./bk_forms.ts";
import { EXACT_GRADIENT } from "./bk_gradient_modes.ts";
import { multiply } from "./multiply.ts";
import { reshape } from "./reshape.ts";
import { scale } from "./scale.ts";
import { denseResolvent, diagonalOf } from "./semiseparable_by_inverse.ts";
import { semiseparableDiagonalVjp } from "./semiseparable_diagonal_vjp.ts";
import {
  bkDispatches,
  bkScratch,
  diagonalDispatch,
  expectLowRank,
  factorDispatches,
  lowRankRounds,
  lowRankScratch,
  lowRankSizes,
  type SemiseparableAttributes,
} from "./semiseparable_launches.ts";
import { sum } from "./sum.ts";

/** Operands: B sequences, H channels, N tokens, rank r from 1 to 20. */
export interface SemiseparableInputs {
  /** Potential (B, H, N), or (B, N) for one channel. */
  readonly v: Tensor;
  /** Squares p_k >= 0 of the bonds of T: (N - 1), or (1) for one value at all sites. Gradient: p_k > 0. */
  readonly p: Tensor;
  /** (N, r), shared by sequences and channels. */
  readonly u: Tensor;
  /** (r), of any sign. */
  readonly sigma: Tensor;
  /** Distance of z from the real axis, > 0: (H) or (1). */
  readonly eta: Tensor;
  /** Real part of z: (H) or (1). */
  readonly lambda: Tensor;
}

/** Settings of the semiseparable diagonal. */
export interface SemiseparableOptions {
  /** Constant part of the diagonal; -2 is the discrete Laplacian. @default -2 */
  readonly a?: number;
  /** Bounds that allow long chains to be walked in chunks. @default none: one invocation per chain */
  readonly bounds?: BkBounds;
}

/**
 * → G_ii (B, H, N, 2), real and imaginary part; |G_ii| <= 1/eta. Not causal: tokens to the right leak into
 * every position. docs/mathematics.md §13.
 *
 * @throws {ShapeError} On shapes that do not belong together, or a rank outside 1 to 20
 */
export function semiseparableDiagonal(
  inputs: SemiseparableInputs,
  options: SemiseparableOptions = {},
): Tensor {
  const { p, u, sigma, eta, lambda } = inputs;
  const [batch, ...rest] = inputs.v.type.shape;
  const v = rest.length === 1 ? reshape(inputs.v, [batch, 1, ...rest]) : inputs.v;
  const [, heads, length] = v.type.shape;
  return apply(op, [v, p, eta, lambda, u, sigma], {
    a: options.a ?? -2,
    run: 0,
    ...chooseBkForm({ length, heads }, options.bounds),
  });
}

/** Values per row and head (k, H), or per row (k, 1), summed to the shape of `of`, which is (H) or (1). */
function summedTo(of: Tensor, rows: Tensor): Tensor {
  const size = of.type.shape[0];
  const folded = size === 0 ? rows : reshape(rows, [sizeOf(rows.type.shape) / size, size]);
  return reshape(sum(folded, { axis: 0 }), of.type.shape);
}

function gradients(
  { inputs, cotangents: [dg], attributes, needs }: VjpSite<SemiseparableAttributes>,
): readonly (Tensor | typeof stopped)[] {
  if (!dg) return [];
  const [v, p, eta, lambda, u, sigma] = inputs;
  const [batch, heads, n] = v.type.shape;
  const { a, form, chunk, warm_up } = attributes;
  const bk = { a, form, chunk, warm_up, mode: "bidirectional" } as const;
  const with_p = needs[1] && n > 1;
  const operands = [v, p, eta, lambda];
  const r = apply(bkCoreOp, operands, { ...bk, ...EXACT_GRADIENT });
  const band = bkCoreVjp([...operands, r, dg], { ...bk, with_p: needs[1], with_z: true });
  const low = semiseparableDiagonalVjp([...inputs, dg], { ...attributes, with_p });
  const perHead = (x: Tensor): Tensor => reshape(sum(x, { axis: 2 }), [batch, heads]);
  const ofBand = couplingGradient(band, p);
  const dp = with_p ? add(ofBand, summedTo(p, low.dp)) : ofBand;
  const down = scale(summedTo(lambda, perHead(low.dv)), -1); // a shift of all v is one of -lambda
  return [
    add(band.dv, low.dv),
    needs[1] ? dp : stopped,
    add(band.deta, summedTo(eta, perHead(low.dz))),
    add(band.dlambda, down),
    scale(multiply(low.pu, sigma), -2),
    reshape(scale(sum(multiply(u, low.pu), { axis: 0 }), -1), sigma.type.shape),
  ];
}

/** Scratch 0 to 3: lowRankScratch; 4: bk_core's lower parts, then the pivots; then the rest of bk_core's. */
function launches(site: Site<SemiseparableAttributes>, preset: Preset): readonly Dispatch[] {
  const sizes = lowRankSizes(site);
  const [x, transfer, partials, small, pivots] = [0, 1, 2, 3, 4].map(scratch);
  const at = { source, sizes, pivots, transfer, partials, small };
  return [
    ...bkDispatches(site, { mode: "bidirectional", preset, result: output(0), firstScratch: 4 }),
    ...bkDispatches(site, { mode: "causal", preset, result: pivots, firstScratch: 5 }),
    ...factorDispatches(at, x),
    diagonalDispatch(at, { x, g: output(0) }),
  ];
}

const trial = (
  name: string,
  [batch, heads, n, rank]: readonly [number, number, number, number],
  at: {
    readonly eta: number;
    readonly single?: boolean;
    readonly run?: number;
    readonly attributes?: Partial<SemiseparableAttributes>;
  },
): Trial<SemiseparableAttributes> => ({
  name: `${name}, rank ${rank}, eta ${at.eta}`,
  inputs: [
    { type: f32(batch, heads, n), law: (_, u) => 6 * u - 3 },
    { type: f32(at.single ? 1 : n - 1), law: (_, u) => 0.2 + 1.8 * u },
    { type: f32(at.single ? 1 : heads), law: (_, u) => at.eta * (1 + u) },
    { type: f32(at.single ? 1 : heads), law: (_, u) => u - 0.5 },
    { type: f32(n, rank), law: (_, u) => 2 * u - 1 },
    // Both signs and a zero, where the form with an inverse of sigma would fail.
    { type: f32(rank), law: (k, u) => k % 5 === 4 ? 0 : (k % 2 === 0 ? 1 : -1) * (0.3 + u) },
  ],
  attributes: { a: -2, run: at.run ?? 0, ...SEQUENTIAL, ...at.attributes },
  tolerance: 4e-6 * Math.max(1, 0.1 / at.eta), // pivots contract errors to about 1/eta roundings
  gradientTolerance: 2e-5 * Math.max(1, 0.1 / at.eta), // the same through two solves
});

/** Found by the loop over all ops. */
export const op: Op<SemiseparableAttributes> = {
  name: "semiseparable_diagonal",
  signature: {
    doc: "Diagonal of the resolvent of a tridiagonal matrix plus U diag(sigma) U^T (not causal)",
    inputs: [
      { name: "v", doc: "potential (B, H, N)" },
      { name: "p", doc: "squared bonds p_k >= 0: (N - 1) or (1)", minimum: 0 },
      { name: "eta", doc: "imaginary part of z, > 0: a number or (H)", optional: 1, above: 0 },
      { name: "lambda", doc: "real part of z: a number or (H)", optional: 0 },
      { name: "u", doc: "(N, r), r from 1 to 20" },
      { name: "sigma", doc: "(r), of any sign" },
    ],
    outputs: [{ name: "g", doc: "(B, H, N, 2): real and imaginary part" }],
    params: {
      a: { default: -2, doc: "constant part of the diagonal" },
      run: { default: 0, doc: "sites per run of the solves and of the sums; 0: by the length" },
      ...bkFormParameters,
    },
  },
  infer: (types, { run, ...attributes }) => {
    const [v, p, eta, lambda, u, sigma] = types;
    const [type] = bkCoreOp.infer([v, p, eta, lambda], {
      ...attributes,
      ...EXACT_GRADIENT,
      mode: "bidirectional",
    });
    if (sizeOf(v.shape) === 0) {
      throw new ShapeError(
        `Cannot use v ${formatShape(v.shape)} in semiseparable_diagonal: expected B, H, N >= 1`,
      );
    }
    expectLowRank({ u, sigma, n: v.shape[2], run });
    return [type];
  },
  vjp: gradients,
  reference: (site, { inputs: [v, p, eta, lambda, u, sigma], outputs: [g] }) => {
    const [batch, heads, n] = site.inputs[0].shape;
    for (let chain = 0; chain < batch * heads; chain++) {
      const head = chain % heads;
      const resolvent = denseResolvent({
        diagonal: Array.from({ length: n }, (_, i) => site.attributes.a + v[chain * n + i]),
        couplings: Array.from({ length: n - 1 }, (_, k) => p[p.length === n - 1 ? k : 0]),
        lambda: lambda[lambda.length === heads ? head : 0],
        eta: eta[eta.length === heads ? head : 0],
        u,
        sigma,
      });
      g.set(diagonalOf(resolvent), 2 * chain * n);
    }
  },
  keepsF32: true,
  scratch: (
    site,
  ) => [...lowRankScratch(lowRankSizes(site)), ...bkScratch(site, "bidirectional")],
  lower: { webgpu: launches },
  rounds: (site) => lowRankRounds(lowRankSizes(site)),
  cost: ({ inputs, outputs: [g] }) => {
    const [{ shape: [, , n] }, , , , u, { shape: [rank] }] = inputs;
    const sites = sizeOf(g.shape) / 2;
    return {
      flops: sites * (34 + 30 * rank + 14 * rank * rank),
      bytes: 4 * (3 * sites + sizeOf(u.shape) + n + rank),
    };
  },
  trials: [
    trial("one site", [1, 1, 1, 1], { eta: 1 }),
    trial("two sites, more columns than sites", [2, 1, 2, 3], { eta: 0.3 }),
    trial("a prime length", [2, 3, 31, 5], { eta: 0.1 }),
    trial("close to the real axis", [1, 2, 23, 4], { eta: 0.01 }),
    trial("one coupling for all", [3, 2, 17, 7], { eta: 0.3, single: true }),
    trial("the largest rank", [1, 1, 37, 20], { eta: 0.3 }),
    trial("runs of one site", [1, 2, 5, 2], { eta: 0.3, run: 1 }),
    trial("runs and a site over, pivots in chunks", [2, 1, 31, 3], {
      eta: 0.1,
      run: 10,
      attributes: { form: "carry", chunk: 11, warm_up: 3 },
    }),
  ],
};
