/**
 * Token mixing by the diagonal of the resolvent. docs/mathematics.md §3 and §4.
 *
 * Symbols
 *   v    potential (B, H, N), bounded by v_max
 *   eta  distance of z from the real axis, one per channel; learned: eta_min + softplus(theta)
 *   p    coupling, 1; learned: softplus(phi), one for all sites; 0 where h0 is the identity
 *   g    Green function; its real and imaginary parts are the 2 H features of a token
 */
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { bkCore } from "../ops/bk_core.ts";
import { bkCoreStream } from "../ops/bk_core_stream.ts";
import { multiply } from "../ops/multiply.ts";
import { reshape } from "../ops/reshape.ts";
import { scale } from "../ops/scale.ts";
import { semiseparableDiagonal } from "../ops/semiseparable_diagonal.ts";
import { softClamp } from "../ops/soft_clamp.ts";
import { sum } from "../ops/sum.ts";
import { swapAxes } from "../ops/swap_axes.ts";
import {
  type BkCoreSettings,
  type EtaFactor,
  type GreenOperands,
  greenOperands,
  withPositionPotential,
} from "./green_operands.ts";
import { linear } from "./linear.ts";
import { meanOf } from "./mean_of.ts";
import type { Purpose } from "./purpose.ts";

export interface BkMixerOptions extends BkCoreSettings {
  readonly batch: number;
  readonly seqLen: number;
  /** Factor on the first output projection, so that depth does not widen the residual stream. */
  readonly residualScale: number;
  readonly purpose: Purpose;
  /** epsilon, which multiplies eta. @default none */
  readonly etaFactor?: EtaFactor;
}

/** What a mixer gives. */
export interface Mixed {
  /** (B, N, D) */
  readonly output: Tensor;
  /** What it was computed from, for a router. */
  readonly green: GreenFunction;
  /** eta (H), mean and mean square of v (1), mean of the features (2 H). */
  readonly diagnostics: Readonly<Record<string, Tensor>>;
}

/** Green function of the channels and its operands. */
export interface GreenFunction {
  /** (B, H, N, 2) */
  readonly g: Tensor;
  readonly operands: GreenOperands;
}

/** x (B, N, D), normalised → mixed (B, N, D). */
export function bkMixer(x: Tensor, options: BkMixerOptions): Mixed {
  const { batch, seqLen, bkChannels: heads } = options;
  const { graph } = x;
  const width = x.type.shape[2];
  const rows = batch * seqLen;
  return graph.scope("bk", () => {
    const raw = linear(reshape(x, [rows, width]), {
      name: "potential",
      outputs: heads,
      std: 1 / Math.sqrt(width),
    }); // (B N, H)
    const bounded = softClamp(raw, options.vMax);
    const perToken = swapAxes(reshape(bounded, [batch, seqLen, heads]), { axis: 1 }); // (B, H, N)
    const v = withPositionPotential(perToken, options);
    const operands = greenOperands(graph, options);
    const g = greenFunction(v, { operands, options }); // (B, H, N, 2)
    graph.probe("potential", v, ["batch", "head", "token"]);
    graph.probe("green", g, ["batch", "head", "token", "part"]);
    graph.probe("eta", operands.eta, ["head"]);
    graph.probe("coupling", operands.p, ["bond"]);
    const features = reshape(swapAxes(g, { axis: 1 }), [rows, 2 * heads]); // (B N, 2 H)
    const std = options.residualScale / Math.sqrt(2 * heads);
    const output = linear(features, { name: "output", outputs: width, std }); // (B N, D)
    return {
      output: reshape(output, [batch, seqLen, width]),
      green: { g, operands },
      diagnostics: {
        eta: operands.eta,
        v_mean: meanOf(v),
        v_square_mean: meanOf(multiply(v, v)),
        g_mean: scale(sum(features, { axis: 0 }), 1 / rows),
      },
    };
  });
}

/** v (B, H, N) → g (B, H, N, 2). */
function greenFunction(v: Tensor, { operands, options }: {
  readonly operands: GreenOperands;
  readonly options: BkMixerOptions;
}): Tensor {
  const { graph } = v;
  const { eta, p, lambda, a, bounds } = operands;
  const { bkDirection, gradMode, gradBlend, purpose } = options;
  if (purpose === "stream") {
    const [batch, heads] = v.type.shape;
    const entry = graph.state("pivot", { type: f32(batch, heads, 4), initial: 0 });
    const { g, exit } = bkCoreStream({ v, p, eta, lambda, entry }, { a });
    graph.carry(entry, exit);
    return g;
  }
  if (options.semiseparableRank > 0) {
    const { u, sigma } = lowRankPart(v, options.semiseparableRank);
    return semiseparableDiagonal({ v, p, u, sigma, eta, lambda }, { a, bounds });
  }
  return bkCore({ v, p, eta, lambda }, {
    a,
    mode: bkDirection,
    bounds,
    gradMode,
    ...(gradMode === "blend" ? { gradBlend } : {}),
  });
}

/** Spread of U at the start: its part of the Hamiltonian begins small beside the couplings. */
const LOW_RANK_STD = 0.01;

/** U (N, r) and sigma (r) of the part U diag(sigma) U^T, shared by channels. docs/mathematics.md §13. */
function lowRankPart(v: Tensor, rank: number): { readonly u: Tensor; readonly sigma: Tensor } {
  const { graph, type: { shape: [, , length] } } = v;
  const u = graph.parameter("low_rank", {
    type: f32(length, rank),
    initial: { kind: "normal", standardDeviation: LOW_RANK_STD },
    decay: false,
  });
  const sigma = graph.parameter("low_rank_scale", {
    type: f32(rank),
    initial: { kind: "constant", value: 1 },
    decay: false,
  });
  return { u, sigma };
}
