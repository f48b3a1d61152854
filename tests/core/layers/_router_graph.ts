/** A mixture of experts behind the scattering phase of a potential that the caller gives, for tests. */
import { f32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { mixtureOfExperts } from "../../../core/layers/mixture_of_experts.ts";
import type { Purpose } from "../../../core/layers/purpose.ts";
import { greenPhase, scatteringPhase } from "../../../core/layers/scattering_router.ts";
import { bkCore } from "../../../core/ops/bk_core.ts";
import { bkCoreStream } from "../../../core/ops/bk_core_stream.ts";
import { fill } from "../../../core/ops/fill.ts";

/** Sizes and settings. */
export interface RouterCase {
  readonly shape: readonly [batch: number, heads: number, n: number];
  readonly eta: number;
  readonly experts: number;
  readonly k: number;
  readonly law?: "quantile" | "arg_g";
  readonly purpose: Purpose;
}

/** What the graph has, by name. */
export interface RouterGraph {
  readonly graph: Graph;
  /** (B, H, N), an input. */
  readonly v: Tensor;
  /** (B N) */
  readonly phase: Tensor;
  /** (B N, 4) */
  readonly output: Tensor;
  readonly usage: Tensor;
  readonly entropy: Tensor;
}

/** v is input "v", the rows to serve (B N, 4) are input "x". */
export function routerGraph(at: RouterCase): RouterGraph {
  const { shape, law = "quantile", purpose } = at;
  const [batch, heads, n] = shape;
  const graph = new Graph();
  const v = graph.input("v", f32(...shape));
  const x = graph.input("x", f32(batch * n, 4));
  const operands = {
    eta: fill(graph, { shape: [1], value: at.eta }),
    p: fill(graph, { shape: [1], value: 1 }),
    lambda: fill(graph, { shape: [1], value: 0 }),
  };
  const bounds = { etaMin: at.eta, pMax: 1 };
  const g = ((): Tensor => {
    if (purpose !== "stream") return bkCore({ v, ...operands }, { bounds });
    const entry = graph.state("pivot", { type: f32(batch, heads, 4), initial: 0 });
    const stream = bkCoreStream({ v, ...operands, entry });
    graph.carry(entry, stream.exit);
    return stream.g;
  })();
  const phase = law === "arg_g"
    ? greenPhase(g)
    : scatteringPhase(g, { ...operands, a: -2, bounds, purpose });
  const served = mixtureOfExperts(x, {
    numExperts: at.experts,
    topK: at.k,
    dFf: 4,
    router: { kind: "phase", phase, law },
    loadBalance: 0,
    zLoss: 0,
    gumbel: 0,
    purpose,
  });
  graph.output("phase", phase);
  graph.output("y", served.output);
  graph.output("usage", served.usage);
  graph.output("entropy", served.entropy);
  return { graph, v, phase, ...served };
}
