/**
 * The angle between the gradient that a model trains with and the exact one, where a published stand-in replaces
 * the gradient of BK-Core. docs/mathematics.md §5.5 and §5.6.
 */
import type { Batch } from "../data/cut_windows.ts";
import { expectBatch } from "../data/expect_ids.ts";
import { i32, sizeOf } from "../graph/shape.ts";
import { Graph } from "../graph/tensor.ts";
import { modelOf } from "../models/registry.ts";
import { chunkedCrossEntropy } from "../ops/chunked_cross_entropy.ts";
import { fill } from "../ops/fill.ts";
import type { Backend } from "../plan/backend.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import { gradientsOf } from "../plan/differentiate.ts";
import type { Plan } from "../plan/plan.ts";
import type { EvaluationPlanOptions } from "./evaluation_plan.ts";

/** A model at one point of its training. */
export interface ModelPoint {
  /** The arena `param`. */
  readonly param: Float32Array;
  /** The arena `state`. */
  readonly state: Float32Array;
}

/** Cosines with the exact gradient, -1 to 1; null where one of the two is 0. */
export interface GradientCosines {
  /** Over the parameters that make the potentials. */
  readonly potential: number | null;
  /** Over all parameters. */
  readonly all: number | null;
}

/** Gradients of a batch's loss, by name of the parameter. */
export type NamedGradients = ReadonlyMap<string, Float32Array>;

/**
 * Inputs tokens (B, N) and targets (B N); leaves the gradient of the training loss in the arena `grad` and changes
 * no parameter. Without noise: a model that draws some in training is not for this.
 */
export function gradientPlan(options: EvaluationPlanOptions): Plan {
  const { model: config, shape, vocabularySize } = options;
  const graph = new Graph();
  const tokens = graph.input("tokens", i32(shape.batch, shape.seqLen));
  const targets = graph.input("targets", i32(shape.batch * shape.seqLen));
  const { features, head, auxiliaryLoss } = modelOf(config).forward(graph, {
    config,
    shape,
    vocabularySize,
    tokens,
    purpose: "train",
  });
  const { loss } = chunkedCrossEntropy(features, { head, targets });
  const seeds = [loss, ...(auxiliaryLoss ? [auxiliaryLoss] : [])].map((tensor) => ({
    tensor,
    cotangent: fill(graph, { shape: tensor.type.shape, value: 1 }),
  }));
  const gradients = gradientsOf(seeds, graph.parameters, { recompute: false, storage: "f32" });
  return compilePlan(graph, {
    gradients: new Map(graph.parameters.map((parameter, k) => [parameter, gradients[k]])),
  });
}

/** The gradient of one batch's training loss at a point. */
export async function gradientsAt(
  backend: Backend,
  options: EvaluationPlanOptions & {
    readonly point: ModelPoint;
    readonly batch: Batch;
  },
): Promise<NamedGradients> {
  const { point, batch: { tokens, targets }, vocabularySize } = options;
  expectBatch(options.batch, { vocabularySize, what: "the batch of a gradient" });
  const plan = gradientPlan(options);
  const program = await backend.compile(plan);
  try {
    program.write("param", point.param);
    program.write("state", point.state);
    await program.step({ tokens, targets });
    const [grad] = await program.readArenas(["grad"]);
    return new Map(plan.parameters.map(({ name, tensor }) => {
      const { byteOffset, type } = plan.tensors[tensor];
      return [name, grad.slice(byteOffset / 4, byteOffset / 4 + sizeOf(type.shape))];
    }));
  } finally {
    program.destroy();
  }
}

/** Cosine of the angle between two sets of gradients of the same parameters, summed in f64. */
export function cosineOf(
  a: NamedGradients,
  b: NamedGradients,
  { counts }: { readonly counts: (name: string) => boolean } = { counts: () => true },
): number | null {
  let dot = 0;
  let aa = 0;
  let bb = 0;
  for (const [name, values] of a) {
    const others = b.get(name);
    if (others === undefined || !counts(name)) continue;
    for (let i = 0; i < values.length; i++) {
      dot += values[i] * others[i];
      aa += values[i] * values[i];
      bb += others[i] * others[i];
    }
  }
  return aa > 0 && bb > 0 ? dot / Math.sqrt(aa * bb) : null;
}
