/**
 * BK-Core: the diagonal of a tridiagonal resolvent, the token mixing of ResNet-BK.
 *
 * Sources
 *   [1] docs/mathematics.md §4 (definition, bound), §5 (gradients; §5.6 their published stand-ins).
 * Symbols
 *   H  tridiagonal matrix with diagonal a + v_i and couplings p_k = b_k c_k >= 0 between k and k + 1
 *   z  = lambda + i eta, eta > 0;   d_i = a + v_i - z
 *   g  causal: last diagonal element of (H_{1..i} - z)^-1; bidirectional: diagonal of (H - z)^-1
 * Departures
 *   The reference eliminates with a dense complex matrix inverse per leading block, so that it shares no
 *   recurrence with the shader. The stand-ins for the gradient keep NaN and clamp nothing; the publication
 *   replaces NaN by 0 and clamps to ±100.
 */
import { ShapeError } from "../errors.ts";
import { type Op, type Signature, stopped, type Trial } from "../graph/op.ts";
import { expectRank, f32, formatShape, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import source from "../../shaders/bk_core.wgsl" with { type: "text" };
import { bkCoreLaunches, bkCoreScratch } from "./bk_core_launches.ts";
import { bkCoreLocalVjp } from "./bk_core_local_vjp.ts";
import { bkWalkRounds } from "./bk_launches.ts";
import { bkCoreVjp, couplingGradient } from "./bk_core_vjp.ts";
import {
  type BkBounds,
  type BkFormAttributes,
  bkFormParameters,
  chooseBkForm,
  expectForm,
  SEQUENTIAL,
  warmUpLength,
} from "./bk_forms.ts";
import {
  type BkGradientAttributes,
  bkGradientParameters,
  type BkGradMode,
  chooseBkGradient,
  EXACT_GRADIENT,
  expectBlend,
} from "./bk_gradient_modes.ts";
import { resolventDiagonal } from "./resolvent_by_elimination.ts";

/** Which diagonal is meant: of the leading blocks H_{1..i}, or of the whole matrix. */
export type BkDirection = "causal" | "bidirectional";

/** The chains and how they are walked. */
export interface BkChainAttributes extends BkFormAttributes {
  /** Constant part of the diagonal; -2 is the discrete Laplacian. */
  readonly a: number;
  readonly mode: BkDirection;
}

export interface BkCoreAttributes extends BkChainAttributes, BkGradientAttributes {}

/** Operands of BK-Core: B sequences, H channels, N tokens. */
export interface BkCoreInputs {
  /** Potential (B, H, N). */
  readonly v: Tensor;
  /** Couplings p_k >= 0: (N - 1), or (1) for one value at all sites. */
  readonly p: Tensor;
  /** Distance of z from the real axis, > 0: (H) or (1). */
  readonly eta: Tensor;
  /** Real part of z: (H) or (1). */
  readonly lambda: Tensor;
}

/** Settings of BK-Core. */
export interface BkCoreOptions {
  /** Constant part of the diagonal; -2 is the discrete Laplacian. @default -2 */
  readonly a?: number;
  /** `bidirectional` lets tokens to the right leak into position i. @default "causal" */
  readonly mode?: BkDirection;
  /** Bounds that allow long chains to be walked in chunks. @default none: one invocation per chain */
  readonly bounds?: BkBounds;
  /** Stand-ins for the gradient are for comparison with the published model alone. @default "exact" */
  readonly gradMode?: BkGradMode;
  /** Weight of `hypothesis7` where gradMode is `blend`, 0 to 1. @default 0.5 */
  readonly gradBlend?: number;
}

/**
 * v (B, H, N) → g (B, H, N, 2), real and imaginary part. |g| <= 1/eta for every N. docs/mathematics.md §4.
 *
 * @throws {ShapeError} If the shapes do not belong together, or gradBlend is given without `blend`
 */
export function bkCore(inputs: BkCoreInputs, options: BkCoreOptions = {}): Tensor {
  const { v, p, eta, lambda } = inputs;
  const [, heads, length] = v.type.shape;
  return apply(op, [v, p, eta, lambda], {
    a: options.a ?? -2,
    mode: options.mode ?? "causal",
    ...chooseBkGradient(options.gradMode, options.gradBlend),
    ...chooseBkForm({ length, heads }, options.bounds),
  });
}

function expectInputs([v, p, eta, lambda]: readonly TensorType[]): void {
  expectRank("the potential v of bk_core", v, { rank: 3 });
  const [, heads, n] = v.shape;
  if (n < 1) {
    throw new ShapeError(`Cannot use v ${formatShape(v.shape)} in bk_core: expected N >= 1`);
  }
  const rules = [
    { name: "p", type: p, size: n - 1, rule: `(N - 1) = (${n - 1})` },
    { name: "eta", type: eta, size: heads, rule: `(H) = (${heads})` },
    { name: "lambda", type: lambda, size: heads, rule: `(H) = (${heads})` },
  ];
  for (const { name, type, size, rule } of rules) {
    expectRank(`${name} of bk_core`, type, { rank: 1 });
    if (type.shape[0] !== size && type.shape[0] !== 1) {
      throw new ShapeError(
        `Cannot use ${name} ${formatShape(type.shape)} with v ${
          formatShape(v.shape)
        } in bk_core: ` +
          `expected ${rule} or (1)`,
      );
    }
  }
}

export const signature: Signature<BkCoreAttributes> = {
  doc:
    "Diagonal of a tridiagonal resolvent: causal left pivots, or the full diagonal (bidirectional, leaks)",
  inputs: [
    { name: "v", doc: "potential (B, H, N)" },
    { name: "p", doc: "couplings p_k = b_k c_k >= 0: (N - 1) or (1)", minimum: 0 },
    { name: "eta", doc: "imaginary part of z, > 0: a number or (H)", optional: 1, above: 0 },
    { name: "lambda", doc: "real part of z: a number or (H)", optional: 0 },
  ],
  outputs: [{ name: "g", doc: "(B, H, N, 2): real and imaginary part" }],
  params: {
    a: { default: -2, doc: "constant part of the diagonal" },
    mode: { default: "causal", choices: ["causal", "bidirectional"], doc: "which resolvent" },
    ...bkGradientParameters,
    ...bkFormParameters,
  },
};

const trial = (
  name: string,
  [batch, heads, n]: readonly [number, number, number],
  at: {
    readonly mode: BkDirection;
    readonly eta: number;
    readonly single?: boolean;
    /** One coupling of this value. */
    readonly p?: number;
    readonly form?: BkFormAttributes;
  },
): Trial<BkCoreAttributes> => ({
  name: `${name}, ${at.mode}, eta ${at.eta}, ${at.form?.form ?? "sequential"}`,
  inputs: [
    { type: f32(batch, heads, n), law: (_, u) => 6 * u - 3 },
    {
      type: f32(at.single || at.p !== undefined ? 1 : n - 1),
      law: (_, u) => at.p ?? 0.2 + 1.8 * u,
    },
    { type: f32(at.single ? 1 : heads), law: (_, u) => at.eta * (1 + u) },
    { type: f32(at.single ? 1 : heads), law: (_, u) => u - 0.5 },
  ],
  attributes: { a: -2, mode: at.mode, ...EXACT_GRADIENT, ...(at.form ?? SEQUENTIAL) },
  tolerance: 4e-6 * Math.max(1, 0.1 / at.eta), // pivots contract errors to about 1/eta roundings
  gradientTolerance: 2e-5 * Math.max(1, 0.01 / at.eta),
});

const carry = (chunk: number): BkFormAttributes => ({
  form: "carry",
  chunk,
  warm_up: Math.min(3, chunk - 1),
});
/** For eta from 2 on; couplings of the trials reach 2, so that counts as eta / sqrt(2). 16 sites. */
const halo = (chunk: number): BkFormAttributes => ({
  form: "halo",
  chunk,
  warm_up: warmUpLength(2 / Math.sqrt(2)),
});

const trialsOf = (mode: BkDirection): readonly Trial<BkCoreAttributes>[] => [
  trial("one site", [1, 1, 1], { mode, eta: 1 }),
  trial("two sites", [2, 1, 2], { mode, eta: 0.1 }),
  trial("a prime length", [3, 2, 31], { mode, eta: 0.01 }),
  trial("more chains than lanes", [5, 13, 3], { mode, eta: 0.1 }),
  trial("longer than a run", [1, 2, 67], { mode, eta: 0.1 }),
  trial("one coupling for all", [2, 3, 65], { mode, eta: 0.3, single: true }),
  trial("several launches", [1, 2, 13], { mode, eta: 0.1, form: { ...SEQUENTIAL, chunk: 5 } }),
  trial("chunks of one site", [1, 2, 13], { mode, eta: 0.1, form: carry(1) }),
  trial("a prime length in chunks", [3, 2, 31], { mode, eta: 0.01, form: carry(11) }),
  trial("one value of each for many chunks", [3, 2, 43], {
    mode,
    eta: 0.3,
    single: true,
    form: carry(2),
  }),
  trial("one coupling, a site over", [2, 3, 21], { mode, eta: 0.3, single: true, form: carry(10) }),
  trial("a prime length in chunks", [2, 1, 43], { mode, eta: 2, form: halo(5) }),
  ...[SEQUENTIAL, carry(10), halo(5)].map((form) =>
    trial("no coupling", [2, 3, 31], { mode, eta: 0.1, p: 0, form })
  ),
];

export const op: Op<BkCoreAttributes> = {
  name: "bk_core",
  signature,
  infer: (types, attributes) => {
    expectInputs(types);
    expectForm(attributes);
    expectBlend(attributes.grad_blend);
    return [f32(...types[0].shape, 2)];
  },
  vjp: ({ inputs: [v, p, eta, lambda], outputs: [g], cotangents: [dg], attributes, needs }) => {
    if (!dg) return [];
    const { grad_mode, grad_blend, ...chain } = attributes;
    if (grad_mode !== "exact") {
      const dv = bkCoreLocalVjp([g, dg], { mode: grad_mode, alpha: grad_blend });
      return [dv, stopped, stopped, stopped];
    }
    const with_z = needs[2] || needs[3];
    const found = bkCoreVjp([v, p, eta, lambda, g, dg], { ...chain, with_p: needs[1], with_z });
    return [
      found.dv,
      needs[1] ? couplingGradient(found, p) : stopped,
      needs[2] ? found.deta : stopped,
      needs[3] ? found.dlambda : stopped,
    ];
  },
  reference: (site, { inputs: [v, p, eta, lambda], outputs: [g] }) => {
    const [batch, heads, n] = site.inputs[0].shape;
    const { a, mode } = site.attributes;
    for (let chain = 0; chain < batch * heads; chain++) {
      const head = chain % heads;
      const diagonal = resolventDiagonal({
        diagonal: Array.from({ length: n }, (_, i) => a + v[chain * n + i]),
        couplings: Array.from({ length: n - 1 }, (_, k) => p[p.length === n - 1 ? k : 0]),
        lambda: lambda[lambda.length === heads ? head : 0],
        eta: eta[eta.length === heads ? head : 0],
        mode,
      });
      g.set(diagonal, 2 * chain * n);
    }
  },
  keepsF32: true,
  scratch: bkCoreScratch,
  rounds: ({ inputs: [v], attributes }) => bkWalkRounds(attributes, v.shape[2]),
  lower: {
    webgpu: (site, preset, limits) => bkCoreLaunches(site, { source, preset, limits }),
  },
  cost: ({ inputs: [v], attributes: { mode, form, chunk, warm_up } }) => {
    const sites = v.shape.reduce((product, n) => product * n, 1);
    // What is walked before a chunk is walked again; a carry first walks every site for its map.
    const walked = sites * (chunk > 0 ? 1 + warm_up / chunk : 1) + (form === "carry" ? sites : 0);
    return mode === "causal"
      ? { flops: 10 * walked, bytes: 12 * sites }
      : { flops: 24 * walked, bytes: 32 * sites };
  },
  trials: [...trialsOf("causal"), ...trialsOf("bidirectional")],
};
