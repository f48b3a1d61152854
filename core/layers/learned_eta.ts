/** Learned distance of z from the real axis, one per channel. docs/mathematics.md §3. */
import { f32 } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { fill } from "../ops/fill.ts";
import { softplus } from "../ops/softplus.ts";
import { inverseSoftplus } from "./inverse_softplus.ts";

export interface LearnedEtaOptions {
  /** eta of each channel at the start, above etaMin. */
  readonly initial: readonly number[];
  /** Lower bound of eta at every step of training. */
  readonly etaMin: number;
}

/** eta (H) = eta_min + softplus(theta), theta (H) a parameter without weight decay. */
export function learnedEta(graph: Graph, options: LearnedEtaOptions): Tensor {
  const floor = fill(graph, { shape: [], value: options.etaMin });
  return add(softplus(etaParameter(graph, options)), floor);
}

/** theta (H) alone, to which a term per token may be added. */
export function etaParameter(graph: Graph, { initial, etaMin }: LearnedEtaOptions): Tensor {
  return graph.parameter("theta", {
    type: f32(initial.length),
    initial: { kind: "values", values: initial.map((eta) => inverseSoftplus(eta - etaMin)) },
    decay: false,
  });
}
