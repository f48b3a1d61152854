/** What a model computes inside, token by token, from one forward pass over one text. */
import { expectIds } from "../data/expect_ids.ts";
import { UsageError } from "../errors.ts";
import { i32 } from "../graph/shape.ts";
import { Graph, type Probe } from "../graph/tensor.ts";
import { type ModelConfig, modelOf } from "../models/registry.ts";
import { matmul } from "../ops/matmul.ts";
import type { Backend } from "../plan/backend.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import type { Plan } from "../plan/plan.ts";
import { type ProbeValues, probeValues } from "./probe_values.ts";
import { bidirectionalResolventWeights, causalResolventWeights } from "./resolvent_weights.ts";
import type { StreamStart } from "./stream.ts";

/** A head, or channel, of a layer over the N tokens of a text. */
export interface HeadInspection {
  /** Re and Im of the Green function G_ii, (N). */
  readonly greenRe: Float64Array;
  readonly greenIm: Float64Array;
  /** v, (N). */
  readonly potential: Float64Array;
  /** eta: (N), or (1) where it does not depend on the token. */
  readonly eta: Float64Array;
  /** p between each token and the next, (N - 1). */
  readonly coupling: Float64Array;
  /** Row i: share of each token j in sum_j |G_ij|^2, (N) rows of (N). */
  readonly weights: readonly Float64Array[];
}

/** A layer, or one evaluation of it. */
export interface LayerInspection {
  /** "block0"; "block0/second" for the second evaluation in a symplectic step. */
  readonly place: string;
  readonly heads: readonly HeadInspection[];
  /** Weight of each expert for each token, 0 where it does not serve it, (N) rows of (E); null without experts. */
  readonly experts: readonly Float64Array[] | null;
}

export interface ModelInspection {
  readonly layers: readonly LayerInspection[];
  /** -ln P(token i | the tokens before) in nats, (N - 1), from the second token on. */
  readonly surprisal: Float64Array;
}

export interface InspectOptions {
  readonly model: ModelConfig;
  readonly vocabularySize: number;
  /** (N) with N >= 2. */
  readonly tokens: Int32Array;
  /** Parameters and states, laid out as the plan says. */
  readonly start: (plan: Plan) => StreamStart;
}

/**
 * Runs the model once and reads what its layers probe.
 *
 * @throws {UsageError} If the text has fewer than two tokens, or the model has no resolvent to look into
 * @throws {DataError} On an id outside the vocabulary
 */
export async function inspectModel(
  backend: Backend,
  options: InspectOptions,
): Promise<ModelInspection> {
  const { model, vocabularySize, tokens, start } = options;
  if (tokens.length < 2) {
    throw new UsageError(`Cannot inspect a text of ${tokens.length} tokens: expected two or more`);
  }
  if (model.kind === "resnet-bk" && model.semiseparableRank > 0) {
    throw new UsageError(
      "Cannot inspect a model with semiseparable_rank above 0: its resolvent is not tridiagonal",
    );
  }
  expectIds(tokens, { vocabularySize, what: "the tokens of the text" });
  const { plan, probes } = inspectionPlan(options);
  const program = await backend.compile(plan);
  try {
    const { param, state } = start(plan);
    program.write("param", param);
    program.write("state", state);
    await program.step({ tokens });
    const logits = await program.read("logits");
    const layers = new Map<string, Map<string, ProbeValues>>();
    for (const probe of probes) {
      const layer = layers.get(probe.place) ?? new Map<string, ProbeValues>();
      layer.set(probe.name, probeValues(probe, await program.read(labelOf(probe))));
      layers.set(probe.place, layer);
    }
    return {
      layers: [...layers].map(([place, read]) => layerOf(place, { read, model, n: tokens.length })),
      surprisal: surprisalOf(logits, { tokens, vocabularySize }),
    };
  } finally {
    program.destroy();
  }
}

function inspectionPlan(
  { model, vocabularySize, tokens: { length } }: InspectOptions,
): { readonly plan: Plan; readonly probes: readonly Probe[] } {
  const graph = new Graph();
  const { features, head } = modelOf(model).forward(graph, {
    config: model,
    shape: { batch: 1, seqLen: length },
    vocabularySize,
    tokens: graph.input("tokens", i32(1, length)),
    purpose: "evaluate",
  });
  const { probes } = graph;
  if (probes.length === 0) {
    throw new UsageError(
      `Cannot inspect a model of kind "${model.kind}": it has no resolvent, expected "resnet-bk" or ` +
        '"resolvent-block"',
    );
  }
  graph.output("logits", matmul(features, head, { transposeB: true }));
  for (const probe of probes) graph.output(labelOf(probe), probe.tensor);
  return { plan: compilePlan(graph), probes };
}

function labelOf({ place, name }: Probe): string {
  return `probe/${place}/${name}`;
}

interface LayerParts {
  readonly read: ReadonlyMap<string, ProbeValues>;
  readonly model: ModelConfig;
  readonly n: number;
}

function layerOf(place: string, parts: LayerParts): LayerInspection {
  const { read, n } = parts;
  const potential = read.get("potential");
  const heads = Array.from(
    { length: potential?.size("head") ?? 0 },
    (_, head) => headOf(head, parts),
  );
  return { place, heads, experts: expertsOf(read, n) };
}

function headOf(head: number, { read, model, n }: LayerParts): HeadInspection {
  const values = (name: string): ProbeValues => read.get(name)!;
  const overTokens = (at: (token: number) => number): Float64Array =>
    Float64Array.from({ length: n }, (_, token) => at(token));
  const part = (index: number, name: string): Float64Array =>
    overTokens((token) =>
      read.has("green")
        ? values("green").at({ head, token, part: index })
        : values(name).at({ head, token })
    );
  const greenRe = part(0, "green_re");
  const greenIm = part(1, "green_im");
  const potential = overTokens((token) => values("potential").at({ head, token }));
  const etas = values("eta");
  const eta = etas.has("token")
    ? overTokens((token) => etas.at({ head, token }))
    : Float64Array.of(etas.at({ head }));
  const coupling = couplingOf(head, { read, n });
  return {
    greenRe,
    greenIm,
    potential,
    eta,
    coupling,
    weights: model.kind === "resnet-bk" && model.bkDirection === "bidirectional"
      ? bidirectionalResolventWeights({
        diagonal: potential.map((v) => v + (model.h0 === "laplacian" ? -2 : 1)),
        coupling,
        z: { lambda: 0, eta: eta[0] },
      })
      : causalResolventWeights({ green: { re: greenRe, im: greenIm }, coupling }),
  };
}

/** p between each token and the next, (N - 1): probed as it is, or as the bond whose square it is. */
function couplingOf(
  head: number,
  { read, n }: { readonly read: ReadonlyMap<string, ProbeValues>; readonly n: number },
): Float64Array {
  const coupling = read.get("coupling");
  const bond = read.get("bond");
  return Float64Array.from({ length: n - 1 }, (_, k) => {
    if (coupling !== undefined) return coupling.at({ bond: k });
    // A bond per token is the one to the token before.
    return bond!.at({ head, token: k + 1, bond: k }) ** 2;
  });
}

function expertsOf(
  read: ReadonlyMap<string, ProbeValues>,
  n: number,
): readonly Float64Array[] | null {
  const weights = read.get("expert_weights");
  const usage = read.get("expert_usage");
  if (weights === undefined || usage === undefined) return null;
  const indices = read.get("expert_indices");
  return Array.from({ length: n }, (_, row) => {
    const served = new Float64Array(usage.size("expert"));
    for (let choice = 0; choice < (indices?.size("choice") ?? 0); choice++) {
      served[indices!.at({ row, choice })] = weights.at({ row, choice });
    }
    if (indices !== undefined) return served;
    return served.map((_, expert) => weights.at({ row, expert }));
  });
}

function surprisalOf(logits: Float64Array, text: {
  readonly tokens: Int32Array;
  readonly vocabularySize: number;
}): Float64Array {
  const { tokens, vocabularySize } = text;
  return Float64Array.from(tokens.subarray(1), (token, row) => {
    const z = logits.subarray(row * vocabularySize, (row + 1) * vocabularySize);
    const largest = z.reduce((most, value) => Math.max(most, value), -Infinity);
    const total = z.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    return largest + Math.log(total) - z[token];
  });
}
