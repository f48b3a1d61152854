/**
 * BK-Core: the diagonal of a tridiagonal resolvent, the token mixing of ResNet-BK.
 *
 * Sources
 *   [1] docs/mathematics.md §4 (definition, bound), §5 (gradients).
 * Symbols
 *   H  tridiagonal matrix with diagonal a + v_i and couplings p_k = b_k c_k >= 0 between k and k + 1
 *   z  = lambda + i eta, eta > 0;   d_i = a + v_i - z
 *   g  causal: last diagonal element of (H_{1..i} - z)^-1; bidirectional: diagonal of (H - z)^-1
 * Departures
 *   The reference eliminates with a dense complex matrix inverse per leading block, so that it shares no
 *   recurrence with the shader.
 */
import source from "../../shaders/bk_core.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Attributes,
  input,
  type Op,
  output,
  scratch,
  type Signature,
  stopped,
  type Trial,
} from "../graph/op.ts";
import { expectRank, f32, formatShape, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { bkCoreVjp } from "./bk_core_vjp.ts";
import { resolventDiagonal } from "./resolvent_by_elimination.ts";
import { reshape } from "./reshape.ts";
import { sum } from "./sum.ts";

/** Which diagonal is meant: of the leading blocks H_{1..i}, or of the whole matrix. */
export type BkDirection = "causal" | "bidirectional";

export interface BkCoreAttributes extends Attributes {
  /** Constant part of the diagonal; -2 is the discrete Laplacian. */
  readonly a: number;
  readonly mode: BkDirection;
}

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
}

/** v (B, H, N) → g (B, H, N, 2), real and imaginary part. |g| <= 1/eta for every N. docs/mathematics.md §4. */
export function bkCore(inputs: BkCoreInputs, options: BkCoreOptions = {}): Tensor {
  const { v, p, eta, lambda } = inputs;
  return apply(op, [v, p, eta, lambda], { a: options.a ?? -2, mode: options.mode ?? "causal" });
}

/** Sizes and steps that both directions of the shader share. */
export function bkCoreOverrides(
  [v, p, eta, lambda]: readonly TensorType[],
  a: number,
): Readonly<Record<string, number>> {
  const [batch, heads, n] = v.shape;
  return {
    A: a,
    N: n,
    CHAINS: batch * heads,
    HEADS: heads,
    P_STEP: p.shape[0] === n - 1 ? 1 : 0,
    ETA_STEP: eta.shape[0] === heads ? 1 : 0,
    LAMBDA_STEP: lambda.shape[0] === heads ? 1 : 0,
  };
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

/** Sum of per-chain gradients (B H) down to the (H) or (1) values they belong to. */
function perHead(chains: Tensor, heads: number, of: Tensor): Tensor {
  const [count] = of.type.shape;
  const rows = count === heads ? chains.type.shape[0] / heads : chains.type.shape[0];
  return reshape(sum(reshape(chains, [rows, count]), { axis: 0 }), [count]);
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
  },
};

const trial = (
  name: string,
  [batch, heads, n]: readonly [number, number, number],
  at: { readonly mode: BkDirection; readonly eta: number; readonly single?: boolean },
): Trial<BkCoreAttributes> => ({
  name: `${name}, ${at.mode}, eta ${at.eta}`,
  inputs: [
    { type: f32(batch, heads, n), law: (_, u) => 6 * u - 3 },
    { type: f32(at.single ? 1 : n - 1), law: (_, u) => 0.2 + 1.8 * u },
    { type: f32(at.single ? 1 : heads), law: (_, u) => at.eta * (1 + u) },
    { type: f32(at.single ? 1 : heads), law: (_, u) => u - 0.5 },
  ],
  attributes: { a: -2, mode: at.mode },
  tolerance: 4e-6 * Math.max(1, 0.1 / at.eta), // pivots contract errors to about 1/eta roundings
  gradientTolerance: 2e-5 * Math.max(1, 0.01 / at.eta),
});

export const op: Op<BkCoreAttributes> = {
  name: "bk_core",
  signature,
  infer: (types) => {
    expectInputs(types);
    return [f32(...types[0].shape, 2)];
  },
  vjp: ({ inputs: [v, p, eta, lambda], outputs: [g], cotangents: [dg], attributes, needs }) => {
    if (!dg) return [];
    const [batch, heads] = v.type.shape;
    const found = bkCoreVjp([v, p, eta, lambda, g, dg], { ...attributes, with_p: needs[1] });
    const chains = batch * heads;
    const dp = reshape(
      sum(reshape(found.dp, [chains, found.dp.type.shape[1]]), { axis: 0 }),
      found.dpShape,
    );
    return [
      found.dv,
      needs[1] ? dp : stopped,
      perHead(found.deta, heads, eta),
      perHead(found.dlambda, heads, lambda),
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
  scratch: ({ inputs: [v], attributes: { mode } }) => mode === "causal" ? [] : [f32(...v.shape, 2)],
  lower: {
    webgpu: ({ inputs, attributes: { a, mode } }, preset) => {
      const chains = inputs[0].shape[0] * inputs[0].shape[1];
      const lanes = preset === "gpu" ? 64 : 8;
      return [{
        source,
        shader: "bk_core",
        entryPoint: mode,
        overrides: { ...bkCoreOverrides(inputs, a), WORKGROUP: lanes },
        bindings: [
          ...[input(0), input(1), input(2), input(3), output(0)],
          ...(mode === "causal" ? [] : [scratch(0)]),
        ],
        workgroups: Math.ceil(chains / lanes),
      }];
    },
  },
  cost: ({ inputs: [v], attributes: { mode } }) => {
    const sites = v.shape.reduce((product, n) => product * n, 1);
    return mode === "causal"
      ? { flops: 10 * sites, bytes: 12 * sites }
      : { flops: 24 * sites, bytes: 32 * sites };
  },
  trials: [
    trial("one site", [1, 1, 1], { mode: "causal", eta: 1 }),
    trial("two sites", [2, 1, 2], { mode: "causal", eta: 0.1 }),
    trial("a prime length", [3, 2, 31], { mode: "causal", eta: 0.01 }),
    trial("more chains than lanes", [5, 13, 3], { mode: "causal", eta: 0.1 }),
    trial("longer than a run", [1, 2, 67], { mode: "causal", eta: 0.1 }),
    trial("one coupling for all", [2, 3, 65], { mode: "causal", eta: 0.3, single: true }),
    trial("one site", [1, 1, 1], { mode: "bidirectional", eta: 1 }),
    trial("two sites", [2, 1, 2], { mode: "bidirectional", eta: 0.1 }),
    trial("a prime length", [3, 2, 31], { mode: "bidirectional", eta: 0.01 }),
    trial("more chains than lanes", [5, 13, 3], { mode: "bidirectional", eta: 0.1 }),
    trial("longer than a run", [1, 2, 67], { mode: "bidirectional", eta: 0.1 }),
    trial("one coupling for all", [2, 3, 65], { mode: "bidirectional", eta: 0.3, single: true }),
  ],
};
