/**
 * The learned gate of a mixture of experts. docs/mathematics.md §6.
 *
 * Sources
 *   [1] Shazeer et al., "Outrageously large neural networks" (2017), section 2.
 *   [2] Fedus, Zoph and Shazeer, "Switch transformers" (2022), section 2: K = 1, and the load balance.
 *   [3] Zoph et al., "ST-MoE" (2022), equation 5: the z-loss.
 *   [4] Maddison, Tarlow and Minka, "A* sampling" (2014), section 2: Gumbel noise draws from the softmax.
 * Symbols
 *   s (R, E) logits, in training with noise tau g;  P = softmax(s);  T(r) the K largest P[r, e], ties to the smaller e
 * Departures
 *   P is the softmax over all experts and T is chosen after it; [1] takes the softmax over the chosen ones,
 *   which for K = 1 is constant, so that the gate would never learn. There is no bias and no capacity.
 */
import { HarnessError } from "../errors.ts";
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { divide } from "../ops/divide.ts";
import { gumbel } from "../ops/gumbel.ts";
import { matmul } from "../ops/matmul.ts";
import { multiply } from "../ops/multiply.ts";
import { reshape } from "../ops/reshape.ts";
import { scale } from "../ops/scale.ts";
import { softmax } from "../ops/softmax.ts";
import { sum } from "../ops/sum.ts";
import { surprisal } from "../ops/surprisal.ts";
import { threefryUniform } from "../ops/threefry_uniform.ts";
import { topK } from "../ops/top_k.ts";
import { meanOf } from "./mean_of.ts";
import type { Purpose } from "./purpose.ts";
import type { Routing } from "./routing.ts";

/**
 * Standard deviation of the gate at the start: probabilities begin nearly equal. That does not make usage equal, since
 * which of them are the K largest does not depend on their scale: some experts may begin with hardly a token, and
 * without a factor `load_balance` nothing draws tokens to them.
 */
const GATE_STANDARD_DEVIATION = 0.02;

export interface GateOptions {
  /** E. */
  readonly numExperts: number;
  /** K: E for every expert, else from 1 to min(8, E - 1). */
  readonly topK: number;
  /** Temperature tau of Gumbel noise on the logits in training, (1) where it is scheduled; 0: none. */
  readonly gumbel: Tensor | number;
  readonly purpose: Purpose;
  /** Position of a random stream; needed in training where `gumbel` is not 0. */
  readonly noise?: (name: string) => Tensor;
}

/** A routing with what the auxiliary losses are made of. */
export interface GateRouting extends Routing {
  /** s (R, E) */
  readonly logits: Tensor;
  /** P (R, E) */
  readonly probabilities: Tensor;
}

/**
 * x (R, D) → weights P for K = 1 and K = E, P over its sum over T(r) else. Declares the parameter `gate` (D, E).
 *
 * @throws {ShapeError} If K is not from 1 to min(8, E), or E where that is larger
 * @throws {HarnessError} If noise is wanted and there is no stream for it
 */
export function gateRouter(x: Tensor, options: GateOptions): GateRouting {
  const { numExperts, topK: k } = options;
  const gate = x.graph.parameter("gate", {
    type: f32(x.type.shape[1], numExperts),
    initial: { kind: "normal", standardDeviation: GATE_STANDARD_DEVIATION },
    decay: true,
  });
  const logits = withNoise(matmul(x, gate), options); // (R, E)
  const probabilities = softmax(logits);
  const common = { logits, probabilities, entropy: meanEntropy(probabilities) };
  if (k === numExperts) {
    return { ...common, choice: { kind: "all", weights: probabilities } };
  }
  const { indices, values } = topK(probabilities, k); // (R, K)
  const weights = k === 1 ? values : divide(values, sum(values, { axis: 1 }));
  return { ...common, choice: { kind: "some", indices, weights } };
}

function withNoise(logits: Tensor, { gumbel: tau, purpose, noise }: GateOptions): Tensor {
  if (tau === 0 || purpose !== "train") return logits;
  if (noise === undefined) {
    const temperature = typeof tau === "number" ? tau : `"${tau.label}"`;
    throw new HarnessError(
      `Cannot add Gumbel noise of temperature ${temperature} to "${logits.label}": expected a stream for it, got none`,
    );
  }
  const draws = gumbel(threefryUniform(noise("gumbel"), logits.type.shape));
  return add(logits, typeof tau === "number" ? scale(draws, tau) : multiply(draws, tau));
}

/** Mean over rows of -sum_e P ln P, (1), in nats. P: (R, E). */
export function meanEntropy(probabilities: Tensor): Tensor {
  const experts = probabilities.type.shape[1];
  return scale(meanOf(multiply(probabilities, surprisal(probabilities))), experts);
}

/**
 * lambda E sum_e f_e mean_r P[r, e] + zeta mean_r (ln sum_e exp s[r, e])^2, a scalar; `undefined` where both
 * factors are 0. `usage` (E) is f, the share of pairs that each expert serves, a constant to the gradient; the
 * first term is lambda for any P where every expert serves every row, and is left out there.
 */
export function gateLoss({ logits, probabilities, choice }: GateRouting, options: {
  readonly usage: Tensor;
  readonly loadBalance: number;
  readonly zLoss: number;
}): Tensor | undefined {
  const { usage, loadBalance, zLoss } = options;
  const [rows, experts] = probabilities.type.shape;
  const terms: Tensor[] = [];
  if (loadBalance !== 0 && choice.kind === "some") {
    const mean = reshape(scale(sum(probabilities, { axis: 0 }), 1 / rows), [experts]);
    terms.push(scale(meanOf(multiply(mean, usage)), loadBalance * experts * experts));
  }
  if (zLoss !== 0) {
    // s_e - ln P_e is the same for all e; at the largest P_e neither term loses digits.
    const normaliser = add(topK(logits, 1).values, surprisal(topK(probabilities, 1).values));
    terms.push(scale(meanOf(multiply(normaliser, normaliser)), zLoss));
  }
  return terms.length === 0 ? undefined : reshape(terms.reduce((a, b) => add(a, b)), []);
}
