/**
 * Mixture-of-experts feed-forward layer: a gate sends every row to a few of several two-layer networks.
 *
 * Sources
 *   [1] Shazeer et al., "Outrageously large neural networks" (2017), section 2.
 *   [2] Fedus, Zoph and Shazeer, "Switch transformers" (2022), section 2.1.
 *
 * Symbols
 *   R rows, D channels, E experts, K = topK experts per row, F = dFf hidden channels.
 *   P (R, E) gate probabilities; T(r) the K experts with the largest P[r, e], ties to the smaller e.
 *
 * Departures
 *   P is the softmax over all experts and T is chosen after it; [1] takes the softmax over the chosen ones,
 *   which for K = 1 is constant, so that the gate would never learn. For K = 1 the weight is P itself, as
 *   in [2]. There is no noise on the gate, no bias, and no capacity: no row is ever dropped.
 */
import { expectRank, f32, type Shape } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { combineExperts } from "../ops/combine_experts.ts";
import { divide } from "../ops/divide.ts";
import { gatherRows } from "../ops/gather_rows.ts";
import { groupTokens } from "../ops/group_tokens.ts";
import { groupedMatmul } from "../ops/grouped_matmul.ts";
import { matmul } from "../ops/matmul.ts";
import { relu } from "../ops/relu.ts";
import { reshape } from "../ops/reshape.ts";
import { softmax } from "../ops/softmax.ts";
import { sum } from "../ops/sum.ts";
import { topK } from "../ops/top_k.ts";

export interface MixtureOfExpertsOptions {
  /** E. */
  readonly numExperts: number;
  /** K, from 1 to min(8, E). */
  readonly topK: number;
  /** F, hidden channels of each expert. */
  readonly dFf: number;
  /** Factor on the first w2, so that depth does not widen the residual stream. @default 1 */
  readonly residualScale?: number;
  /** Scope of the parameters `gate` (D, E), `w1` (E, D, F) and `w2` (E, F, D). @default "experts" */
  readonly name?: string;
}

export interface MixtureOfExperts {
  /** (R, D) */
  readonly output: Tensor;
  /** (E + 1) i32: expert e served expertStart[e + 1] - expertStart[e] of the R K (row, choice) pairs. */
  readonly expertStart: Tensor;
}

/** Standard deviation of the gate at the start: nearly equal probabilities, so no expert begins starved. */
const GATE_STANDARD_DEVIATION = 0.02;

/**
 * x (R, D) → (R, D): y[r] = sum over e in T(r) of g[r, e] relu(x[r] w1[e]) w2[e], with g = P for K = 1 and
 * P divided by its sum over T(r) for K >= 2.
 *
 * @throws {ShapeError} If x is not of rank 2, or K is not from 1 to min(8, E)
 */
export function mixtureOfExperts(x: Tensor, options: MixtureOfExpertsOptions): MixtureOfExperts {
  const { numExperts, topK: k, dFf, residualScale = 1, name = "experts" } = options;
  expectRank("x of mixtureOfExperts", x.type, { rank: 2 });
  const [rows, channels] = x.type.shape;
  return x.graph.scope(name, () => {
    const gate = weight(x.graph, "gate", {
      shape: [channels, numExperts],
      std: GATE_STANDARD_DEVIATION,
    });
    const w1 = weight(x.graph, "w1", {
      shape: [numExperts, channels, dFf],
      std: 1 / Math.sqrt(channels),
    });
    const w2 = weight(x.graph, "w2", {
      shape: [numExperts, dFf, channels],
      std: residualScale / Math.sqrt(dFf),
    });

    const probabilities = softmax(matmul(x, gate)); // (R, E)
    const { indices, values } = topK(probabilities, k); // (R, K)
    const weights = k === 1 ? values : divide(values, sum(values, { axis: 1 }));

    const tokens = reshape(indices, [rows * k]); // token r K + n is choice n of row r
    const { start, order, rank } = groupTokens(tokens, { groups: numExperts });
    const gathered = gatherRows(x, { order, rank, k }); // (R K, D), sorted by expert
    const hidden = relu(groupedMatmul(gathered, w1, { start })); // (R K, F)
    const served = groupedMatmul(hidden, w2, { start }); // (R K, D)
    return { output: combineExperts(served, { weights, rank, order }), expertStart: start };
  });
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
