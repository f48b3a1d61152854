/**
 * Plans of one chunk of a stream. Plans of the same model share their parameters and states
 * (`Backend.compile` with `parametersOf`), so a chunk of any length goes on where the one before it ended.
 */
import { UsageError } from "../errors.ts";
import { f32, i32 } from "../graph/shape.ts";
import { Graph, type Tensor } from "../graph/tensor.ts";
import { type ModelConfig, modelOf } from "../models/registry.ts";
import { matmul } from "../ops/matmul.ts";
import { recordMetric } from "../ops/record_metric.ts";
import { reshape } from "../ops/reshape.ts";
import { slice } from "../ops/slice.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import type { Plan } from "../plan/plan.ts";
import { type EvaluationPlanOptions, forwardOn, lossPlan } from "./evaluation_plan.ts";

/** Positions of a chunk whose logits are wanted. */
export type LogitPositions = "last" | "all";

export interface StreamingPlanOptions extends EvaluationPlanOptions {
  readonly positions: LogitPositions;
  /** Rows of the metric ring, one for each chunk between two reads. */
  readonly slots: number;
}

/**
 * Inputs tokens (B, n), slot (1). Writes the logits, (B, 1, V) or (B, n, V), to ring[slot] and leaves the state
 * behind the chunk's last token.
 *
 * @throws {UsageError} If the model cannot stream
 */
export function streamLogitsPlan(options: StreamingPlanOptions): Plan {
  const { shape: { batch, seqLen }, vocabularySize, positions, slots } = options;
  requireStream(options.model);
  const graph = new Graph();
  const slot = graph.input("slot", i32(1));
  const { features, head } = forwardOn(graph, { ...options, purpose: "stream" });
  const wanted = positions === "all" ? features : lastOf(features, { batch, seqLen });
  const logits = matmul(wanted, head, { transposeB: true });
  const columns = wanted.type.shape[0] * vocabularySize;
  const ring = graph.arena("metric", f32(slots, columns));
  recordMetric({ ring, slot, values: logits }, { column: 0 });
  return compilePlan(graph);
}

/**
 * The plan of `evaluationPlan` for a stream: inputs tokens (B, n), targets (B n), slot (1); writes the chunk's
 * mean loss in nats per target to ring[slot].
 *
 * @throws {UsageError} If the model cannot stream
 */
export function streamLossPlan(options: EvaluationPlanOptions): Plan {
  requireStream(options.model);
  return lossPlan(options, "stream");
}

/**
 * Checks that a model can read a text token by token in constant memory.
 *
 * @throws {UsageError} If it cannot; the message says why
 */
export function requireStream(model: ModelConfig): void {
  const reason = modelOf(model).noStream(model);
  if (reason === undefined) return;
  throw new UsageError(
    `Cannot stream a model of kind "${model.kind}": ${reason}; ` +
      'take a causal "resnet-bk" without prime bumps, or "resolvent-block"',
  );
}

/** features (B n, D) → those of the last positions (B, D). */
function lastOf(
  features: Tensor,
  { batch, seqLen }: EvaluationPlanOptions["shape"],
): Tensor {
  const width = features.type.shape[1];
  const apart = reshape(features, [batch, seqLen, width]);
  return reshape(slice(apart, { axis: 1, from: seqLen - 1, to: seqLen }), [batch, width]);
}
