/** What the Green function depends on besides the potential: shift, coupling, free Hamiltonian. docs/mathematics.md §3. */
import { f32 } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import type { BkDirection } from "../ops/bk_core.ts";
import type { BkBounds } from "../ops/bk_forms.ts";
import type { BkGradMode } from "../ops/bk_gradient_modes.ts";
import { add } from "../ops/add.ts";
import { fill } from "../ops/fill.ts";
import { multiply } from "../ops/multiply.ts";
import { softplus } from "../ops/softplus.ts";
import { primeBumpPotential, type PrimeBumpVariant } from "../spectral/prime_bump.ts";
import { inverseSoftplus } from "./inverse_softplus.ts";
import { learnedEta } from "./learned_eta.ts";

/** Settings of the core itself. */
export interface BkCoreSettings {
  /** H. */
  readonly bkChannels: number;
  /** `bidirectional` leaks later tokens; it exists for comparison with the published model. */
  readonly bkDirection: BkDirection;
  /** What the backward pass gives the potential; all but `exact` are for comparison. */
  readonly gradMode: BkGradMode;
  /** Weight of the second formula where gradMode is `blend`. */
  readonly gradBlend: number;
  /** Free Hamiltonian: the lattice Laplacian, or the identity, which mixes no tokens at all. */
  readonly h0: "laplacian" | "identity";
  /** r, rank of a learned U diag(sigma) U^T that is added to the Hamiltonian; 0 for none. */
  readonly semiseparableRank: number;
  /** Whether the coupling between neighbours is 1 or learned. */
  readonly coupling: "fixed" | "learned";
  /** Bound of the potential. */
  readonly vMax: number;
  /** eta at the start; a scheduled factor comes on top. */
  readonly etaInit: number;
  /** Lower bound of a learned eta, before a scheduled factor. */
  readonly etaMin: number;
  /** Whether eta is learned from etaInit on or stays there. */
  readonly etaLearned: boolean;
  /** First values of a learned potential per position, and for `gue` of couplings; `none`: neither exists. */
  readonly primeBump: PrimeBumpVariant | "none";
  /** Factor of the first potential, for `formula` and `comb`. */
  readonly primeBumpScale: number;
  /** Largest power of a prime, for `formula`. */
  readonly kMax: number;
  /** Width and decay of the bumps, for `formula`; no factor of eta. */
  readonly epsilon: number;
}

/** epsilon, a factor of eta that changes with the number of updates. */
export interface EtaFactor {
  /** Its present value, (1). */
  readonly value: Tensor;
  /** A bound > 0 that it keeps at every step of training, a number of f32. */
  readonly least: number;
}

/** The operands, on one graph. */
export interface GreenOperands {
  /** (H) */
  readonly eta: Tensor;
  /** (1), or (N - 1) with couplings per position. */
  readonly p: Tensor;
  /** (1) */
  readonly lambda: Tensor;
  /** Constant part of the diagonal. */
  readonly a: number;
  /** Bounds that hold at every step of training. */
  readonly bounds: BkBounds;
}

/** Declares what is learned of them, for sequences of `seqLen` tokens. With a factor, eta is the product. */
export function greenOperands(
  graph: Graph,
  options: BkCoreSettings & { readonly seqLen: number; readonly etaFactor?: EtaFactor },
): GreenOperands {
  const { h0, etaInit, etaMin, etaLearned, etaFactor } = options;
  const eta = etaOf(graph, options);
  const least = etaLearned ? etaMin : etaInit;
  // What a step multiplies is rounded to f32, and so is the product; rounding is monotone.
  const bound = etaFactor ? Math.fround(Math.fround(least) * etaFactor.least) : least;
  const { p, pMax } = couplingOf(graph, options);
  return {
    eta: etaFactor ? multiply(eta, etaFactor.value) : eta,
    p,
    lambda: fill(graph, { shape: [1], value: 0 }),
    a: h0 === "laplacian" ? -2 : 1,
    bounds: { etaMin: bound, pMax },
  };
}

/** Adds the learned potential per position to v (B, H, N), where the settings ask for one. */
export function withPositionPotential(v: Tensor, settings: BkCoreSettings): Tensor {
  const { primeBump: variant, primeBumpScale: scale, kMax, epsilon } = settings;
  if (variant === "none") return v;
  const nSeq = v.type.shape[2];
  const { values } = primeBumpPotential({ nSeq, variant, scale, kMax, epsilon });
  const potential = v.graph.parameter("position_potential", {
    type: f32(nSeq),
    initial: { kind: "values", values: [...values] },
    decay: false,
  });
  return add(v, potential);
}

function etaOf(graph: Graph, options: BkCoreSettings): Tensor {
  const { bkChannels: heads, etaInit, etaMin, etaLearned } = options;
  if (!etaLearned) return fill(graph, { shape: [heads], value: etaInit });
  return learnedEta(graph, { initial: new Array<number>(heads).fill(etaInit), etaMin });
}

interface Coupling {
  readonly p: Tensor;
  /** Bound on p that holds at every step. */
  readonly pMax: number;
}

function couplingOf(
  graph: Graph,
  { h0, coupling, primeBump, seqLen }: BkCoreSettings & { readonly seqLen: number },
): Coupling {
  if (primeBump === "gue") {
    const { hamiltonian } = primeBumpPotential({ nSeq: seqLen, variant: "gue" });
    return learnedCoupling(graph, [...hamiltonian.upper].map((b, k) => b * hamiltonian.lower[k]));
  }
  if (h0 === "identity") return { p: fill(graph, { shape: [1], value: 0 }), pMax: 0 };
  if (coupling === "fixed") return { p: fill(graph, { shape: [1], value: 1 }), pMax: 1 };
  return learnedCoupling(graph, [1]);
}

/** softplus keeps couplings above 0, where the core is bounded. */
function learnedCoupling(graph: Graph, initial: readonly number[]): Coupling {
  const phi = graph.parameter("phi", {
    type: f32(initial.length),
    initial: { kind: "values", values: initial.map(inverseSoftplus) },
    decay: false,
  });
  return { p: softplus(phi), pMax: Infinity };
}
