/**
 * Routing by the scattering phase: which experts serve a token follows from the pivots of its resolvent, and the
 * router has no parameters. docs/mathematics.md §4 and §6.
 *
 * Sources
 *   [1] The ResNet-BK write-ups (a router without parameters, by the phase of the Green function).
 *   [2] Yafaev, "Mathematical scattering theory" (1992), chapter 8: the phase of det(I + K), Birman and Krein.
 * Symbols
 *   L_i = 1/g_i       pivots of H - z;  L0_i those of v = 0 with the same eta, p and lambda
 *   phi_i             arg(-L_i) - arg(-L0_i), in (-pi, pi), mean over the H channels; 0 where v = 0
 *   sum_{k<=i} phi_k  arg det(I + K) of the first i sites, for one channel
 * Departures
 *   [1] bins arg G_ii into equal parts of the circle. As Im G > 0 half of them never occur; `arg_g` keeps that for
 *   comparison. Here phi is binned at its running quantiles, which share the load, and is causal.
 */
import { ShapeError } from "../errors.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { angle } from "../ops/angle.ts";
import { bkCore, type BkDirection } from "../ops/bk_core.ts";
import { bkCoreStream } from "../ops/bk_core_stream.ts";
import type { BkBounds } from "../ops/bk_forms.ts";
import { concat } from "../ops/concat.ts";
import { fill } from "../ops/fill.ts";
import { phaseBins } from "../ops/phase_bins.ts";
import { phaseQuantiles } from "../ops/phase_quantiles.ts";
import { phaseRoute } from "../ops/phase_route.ts";
import { reshape } from "../ops/reshape.ts";
import { scale } from "../ops/scale.ts";
import { sum } from "../ops/sum.ts";
import { meanEntropy } from "./gate_router.ts";
import type { Purpose } from "./purpose.ts";
import type { Routing } from "./routing.ts";

/** The operands that g was computed with, besides its potential. */
export interface ScatteringOptions {
  /** (H) or (1) */
  readonly eta: Tensor;
  /** (N - 1) or (1) */
  readonly p: Tensor;
  /** (H) or (1) */
  readonly lambda: Tensor;
  /** Constant part of the diagonal. */
  readonly a: number;
  /** Bounds that g was computed with, so that both are computed in the same form. */
  readonly bounds: BkBounds;
  readonly purpose: Purpose;
  /** Which diagonal g is. @default "causal" */
  readonly mode?: BkDirection;
}

/**
 * g (B, H, N, 2) → phi (B N) in (-pi, pi). Exactly 0 where v = 0; causal where g is; its gradient reaches v, eta,
 * p and lambda. For the purpose `stream` the pivots of v = 0 go on from chunk to chunk.
 */
export function scatteringPhase(g: Tensor, options: ScatteringOptions): Tensor {
  return g.graph.scope("scattering", () => {
    // arg(-L) = pi - arg g, since L = 1/g and Im g > 0.
    const free = angle(freeGreenFunction(g, options)); // (1, H, N)
    return channelMean(add(free, scale(angle(g), -1)));
  });
}

/** g (B, H, N, 2) → arg g (B N) in (0, pi), mean over the channels: the phase that the write-ups bin. */
export function greenPhase(g: Tensor): Tensor {
  return channelMean(angle(g));
}

/** (B, H, N) → (B N). */
function channelMean(phase: Tensor): Tensor {
  const [batch, heads, length] = phase.type.shape;
  return reshape(scale(sum(phase, { axis: 1 }), 1 / heads), [batch * length]);
}

/** The Green function of v = 0, (1, H, N, 2): the same for all sequences. */
function freeGreenFunction(g: Tensor, options: ScatteringOptions): Tensor {
  const { graph, type: { shape: [, heads, length] } } = g;
  const { eta, p, lambda, a, bounds, purpose, mode = "causal" } = options;
  const v = fill(graph, { shape: [1, heads, length], value: 0 });
  if (purpose === "stream") {
    const entry = graph.state("free_pivot", { type: f32(1, heads, 4), initial: 0 });
    const stream = bkCoreStream({ v, p, eta, lambda, entry }, { a });
    graph.carry(entry, stream.exit);
    return stream.g;
  }
  return bkCore({ v, p, eta, lambda }, { a, mode, bounds });
}

export interface PhaseRouterOptions {
  /** E. */
  readonly numExperts: number;
  /** K: 1, or for `quantile` 2. */
  readonly topK: number;
  /** `quantile`: bins at running quantiles; `arg_g`: equal parts of the circle, weight 1, no gradient. */
  readonly law: "quantile" | "arg_g";
  readonly purpose: Purpose;
}

/**
 * phase (R) in (-pi, pi) → experts and weights; no parameters. `quantile` keeps 2E - 1 running quantiles and a count
 * of updates as states, which the purpose `train` alone moves, for the next step; the others read them. Each
 * micro-batch of a step is an update of its own. Where all phases are equal, as at v = 0, all rows go to the middle, at place (E - 1)/2 among the bins: with K = 2 to
 * two experts, with K = 1 to expert E/2 rounded down; and the phase gets no gradient.
 *
 * @throws {ShapeError} If K does not fit the law
 */
export function phaseRouter(phase: Tensor, options: PhaseRouterOptions): Routing {
  const { numExperts, topK: k, law, purpose } = options;
  if (!(k === 1 || (k === 2 && law === "quantile" && numExperts >= 2))) {
    throw new ShapeError(
      `Cannot route by "${law}" to ${k} of ${numExperts} experts: expected 1, or for "quantile" with at least ` +
        "2 experts 2",
    );
  }
  const { graph } = phase;
  const [rows] = phase.type.shape;
  if (law === "arg_g") {
    return {
      choice: {
        kind: "some",
        indices: reshape(phaseBins(phase, { bins: numExperts }), [rows, 1]),
        weights: fill(graph, { shape: [rows, 1], value: 1 }),
      },
      entropy: fill(graph, { shape: [1], value: 0 }),
    };
  }
  const knots = graph.state("quantiles", { type: f32(2 * numExperts - 1), initial: 0 });
  const updates = graph.state("updates", { type: f32(1), initial: 0 });
  if (purpose === "train") {
    // Micro-batches route by the same knots; each moves those that the one before it left.
    const before = { knots: graph.carried(knots), updates: graph.carried(updates) };
    const next = phaseQuantiles(phase, before);
    graph.carry(knots, next.knots);
    graph.carry(updates, next.updates);
  }
  const { indices, weights } = phaseRoute(phase, { knots, k });
  return { choice: { kind: "some", indices, weights }, entropy: meanEntropy(pairOf(weights)) };
}

/** Both weights of the interpolation, (R, 2). For K = 1 the second is what the chosen expert lacks. */
function pairOf(weights: Tensor): Tensor {
  const [rows, k] = weights.type.shape;
  if (k === 2) return weights;
  const ones = fill(weights.graph, { shape: [rows, 1], value: 1 });
  return concat([weights, add(ones, scale(weights, -1))], { axis: 1 });
}
