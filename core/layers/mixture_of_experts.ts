/**
 * Mixture-of-experts feed-forward layer: a router sends every row to some of several two-layer networks.
 * docs/mathematics.md §6.
 *
 * Symbols
 *   R rows, D channels, E experts, K = topK experts per row, F = dFf hidden channels.
 *   w (R, K or E) weights of the experts that the router chose for a row
 * Departures
 *   Experts have no bias, and there is no capacity: no row is ever dropped.
 */
import { assertNever } from "../errors.ts";
import { expectRank, f32, type Shape } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { batchedMatmul } from "../ops/batched_matmul.ts";
import { combineExperts } from "../ops/combine_experts.ts";
import { fill } from "../ops/fill.ts";
import { gatherRows } from "../ops/gather_rows.ts";
import { groupShares } from "../ops/group_shares.ts";
import { groupTokens } from "../ops/group_tokens.ts";
import { groupedMatmul } from "../ops/grouped_matmul.ts";
import { multiply } from "../ops/multiply.ts";
import { relu } from "../ops/relu.ts";
import { repeat } from "../ops/repeat.ts";
import { reshape } from "../ops/reshape.ts";
import { sum } from "../ops/sum.ts";
import { swapAxes } from "../ops/swap_axes.ts";
import { gateLoss, gateRouter } from "./gate_router.ts";
import type { Purpose } from "./purpose.ts";
import type { Routing } from "./routing.ts";
import { phaseRouter } from "./scattering_router.ts";

/** What chooses the experts: a learned gate, or a phase (R) f32 in (-pi, pi). */
export type ExpertRouter =
  | { readonly kind: "gate" }
  | { readonly kind: "phase"; readonly phase: Tensor; readonly law: "quantile" | "arg_g" };

export interface MixtureOfExpertsOptions {
  /** E. */
  readonly numExperts: number;
  /**
   * K. Gate: from 1 to min(8, E), or E, where every expert serves every row with weight P. Phase: 1, or for
   * `quantile` 2.
   */
  readonly topK: number;
  /** F, hidden channels of each expert. */
  readonly dFf: number;
  /** Factor on the first w2, so that depth does not widen the residual stream. @default 1 */
  readonly residualScale?: number;
  /** Scope of `gate` (D, E), of a gate alone, `w1` (E, D, F) and `w2` (E, F, D). @default "experts" */
  readonly name?: string;
  readonly router: ExpertRouter;
  /** Factor of the load-balance loss of a gate with K < E; 0: none. */
  readonly loadBalance: number;
  /** Factor of the loss on the square of a gate's log-sum-exp; 0: none. */
  readonly zLoss: number;
  /** Temperature of Gumbel noise on a gate's logits in training, (1) where it is scheduled; 0: none. */
  readonly gumbel: Tensor | number;
  readonly purpose: Purpose;
  /** Position of a random stream; needed for Gumbel noise. */
  readonly noise?: (name: string) => Tensor;
}

export interface MixtureOfExperts {
  /** (R, D) */
  readonly output: Tensor;
  /** A scalar to add to the loss, for the purpose `train` where a factor is not 0. */
  readonly auxiliaryLoss: Tensor | undefined;
  /** (E): share of the R K (row, choice) pairs that each expert serves; sum 1. */
  readonly usage: Tensor;
  /** (1): mean over rows of the entropy of a row's probabilities, in nats. */
  readonly entropy: Tensor;
}

/**
 * x (R, D) → (R, D): y[r] = sum over the experts e of row r of w[r, e] relu(x[r] w1[e]) w2[e].
 *
 * @throws {ShapeError} If x is not of rank 2, or K does not fit E and the router
 * @throws {HarnessError} If noise is wanted and there is no stream for it
 */
export function mixtureOfExperts(x: Tensor, options: MixtureOfExpertsOptions): MixtureOfExperts {
  const { router, purpose, name = "experts" } = options;
  expectRank("x of mixtureOfExperts", x.type, { rank: 2 });
  return x.graph.scope(name, () => {
    switch (router.kind) {
      case "gate": {
        const routing = gateRouter(x, options);
        const { output, usage } = serve(x, { routing, options });
        const auxiliaryLoss = purpose === "train"
          ? gateLoss(routing, { ...options, usage })
          : undefined;
        return { output, auxiliaryLoss, usage, entropy: routing.entropy };
      }
      case "phase": {
        const routing = phaseRouter(router.phase, { ...options, law: router.law });
        const { output, usage } = serve(x, { routing, options });
        return { output, auxiliaryLoss: undefined, usage, entropy: routing.entropy };
      }
      default:
        return assertNever(router);
    }
  });
}

interface Served {
  readonly output: Tensor;
  readonly usage: Tensor;
}

function serve(x: Tensor, { routing: { choice }, options }: {
  readonly routing: Routing;
  readonly options: MixtureOfExpertsOptions;
}): Served {
  const { numExperts, dFf, residualScale = 1 } = options;
  const channels = x.type.shape[1];
  const w1 = weight(x.graph, "w1", {
    shape: [numExperts, channels, dFf],
    std: 1 / Math.sqrt(channels),
  });
  const w2 = weight(x.graph, "w2", {
    shape: [numExperts, dFf, channels],
    std: residualScale / Math.sqrt(dFf),
  });
  const served = choice.kind === "all"
    ? serveByAll(x, { w1, w2, weights: choice.weights })
    : serveBySome(x, { w1, w2, ...choice });
  const perRow = ["row", choice.kind === "all" ? "expert" : "choice"] as const;
  x.graph.probe("expert_weights", choice.weights, perRow);
  if (choice.kind === "some") x.graph.probe("expert_indices", choice.indices, perRow);
  x.graph.probe("expert_usage", served.usage, ["expert"]);
  return served;
}

/** Every expert computes every row: no sorting, any E. */
function serveByAll(x: Tensor, at: {
  readonly w1: Tensor;
  readonly w2: Tensor;
  readonly weights: Tensor;
}): Served {
  const [rows, channels] = x.type.shape;
  const [experts] = at.w1.type.shape;
  const copies = repeat(reshape(x, [1, rows, channels]), { axis: 0, count: experts }); // (E, R, D)
  const hidden = relu(batchedMatmul(copies, at.w1)); // (E, R, F)
  const served = batchedMatmul(hidden, at.w2); // (E, R, D)
  const perExpert = swapAxes(reshape(at.weights, [1, rows, experts]), { axis: 1 }); // (1, E, R)
  const weighted = multiply(served, reshape(perExpert, [experts, rows, 1]));
  return {
    output: reshape(sum(weighted, { axis: 0 }), [rows, channels]),
    usage: fill(x.graph, { shape: [experts], value: 1 / experts }),
  };
}

/** Rows sorted by expert, so that each expert computes the rows that chose it. */
function serveBySome(x: Tensor, at: {
  readonly w1: Tensor;
  readonly w2: Tensor;
  readonly indices: Tensor;
  readonly weights: Tensor;
}): Served {
  const [rows, k] = at.indices.type.shape;
  const tokens = reshape(at.indices, [rows * k]); // token r K + n is choice n of row r
  const { start, order, rank } = groupTokens(tokens, { groups: at.w1.type.shape[0] });
  const gathered = gatherRows(x, { order, rank, k }); // (R K, D), sorted by expert
  const hidden = relu(groupedMatmul(gathered, at.w1, { start })); // (R K, F)
  const served = groupedMatmul(hidden, at.w2, { start }); // (R K, D)
  return {
    output: combineExperts(served, { weights: at.weights, rank, order }),
    usage: groupShares(start),
  };
}

function weight(graph: Graph, name: string, options: {
  readonly shape: Shape;
  readonly std: number;
}): Tensor {
  return graph.parameter(name, {
    type: f32(...options.shape),
    initial: { kind: "normal", standardDeviation: options.std },
    decay: true,
  });
}
