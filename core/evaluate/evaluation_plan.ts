/** Plans without gradients: the loss of a batch, the losses of its rows, and its logits. */
import { f32, i32 } from "../graph/shape.ts";
import { Graph } from "../graph/tensor.ts";
import { chunkedCrossEntropy } from "../ops/chunked_cross_entropy.ts";
import { matmul } from "../ops/matmul.ts";
import { recordMetric } from "../ops/record_metric.ts";
import { slice } from "../ops/slice.ts";
import type { Purpose } from "../layers/purpose.ts";
import type { BatchShape, ForwardPass } from "../models/model.ts";
import { type ModelConfig, modelOf } from "../models/registry.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import type { Plan } from "../plan/plan.ts";

export interface EvaluationPlanOptions {
  readonly model: ModelConfig;
  readonly shape: BatchShape;
  readonly vocabularySize: number;
}

/** Rows of the metric ring of an evaluation program. */
export const EVALUATION_SLOTS = 16;

/** Inputs tokens (B, N), targets (B N), slot (1); writes the mean loss in nats per target to ring[slot]. */
export function evaluationPlan(options: EvaluationPlanOptions): Plan {
  return lossPlan(options, "evaluate");
}

/** The same for another purpose: for `stream` the tokens go on where those of the step before ended. */
export function lossPlan(options: EvaluationPlanOptions, purpose: Purpose): Plan {
  const { batch, seqLen } = options.shape;
  const graph = new Graph();
  const targets = graph.input("targets", i32(batch * seqLen));
  const slot = graph.input("slot", i32(1));
  const { features, head } = forwardOn(graph, { ...options, purpose });
  const { loss } = chunkedCrossEntropy(features, { head, targets });
  const ring = graph.arena("metric", f32(EVALUATION_SLOTS, 1));
  recordMetric({ ring, slot, values: loss }, { column: 0 });
  return compilePlan(graph);
}

/** Inputs tokens (B, N), targets (B N); output "row_losses" (B N) in nats, 0 where the target is -100. */
export function rowLossesPlan(options: EvaluationPlanOptions): Plan {
  const { batch, seqLen } = options.shape;
  const graph = new Graph();
  const targets = graph.input("targets", i32(batch * seqLen));
  const { features, head } = forwardOn(graph, { ...options, purpose: "evaluate" });
  graph.output("row_losses", chunkedCrossEntropy(features, { head, targets }).rowLosses);
  return compilePlan(graph);
}

/**
 * Input tokens (B, N); output "logits" (B N, V), or (B N, C) of the first `classes` = C of them. For tests of
 * causality and for generation.
 */
export function logitsPlan(options: EvaluationPlanOptions & { readonly classes?: number }): Plan {
  const { vocabularySize, classes = vocabularySize } = options;
  const graph = new Graph();
  const { features, head } = forwardOn(graph, { ...options, purpose: "evaluate" });
  const rows = classes < vocabularySize ? slice(head, { axis: 0, from: 0, to: classes }) : head;
  graph.output("logits", matmul(features, rows, { transposeB: true }));
  return compilePlan(graph);
}

/** The forward pass over the input tokens (B, N), which is declared. */
export function forwardOn(
  graph: Graph,
  options: EvaluationPlanOptions & { readonly purpose: Purpose },
): ForwardPass {
  const { model: config, shape, vocabularySize, purpose } = options;
  const tokens = graph.input("tokens", i32(shape.batch, shape.seqLen));
  return modelOf(config).forward(graph, { config, shape, vocabularySize, tokens, purpose });
}
