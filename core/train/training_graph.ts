/** The graph of one update: forward, loss, gradients, clipping, AdamW, metrics. */
import { f32, i32, sizeOf } from "../graph/shape.ts";
import { Graph } from "../graph/tensor.ts";
import { adamw } from "../ops/adamw.ts";
import { chunkedCrossEntropy } from "../ops/chunked_cross_entropy.ts";
import { fill } from "../ops/fill.ts";
import { gradientNorm } from "../ops/gradient_norm.ts";
import { recordMetric } from "../ops/record_metric.ts";
import type { BatchShape } from "../models/model.ts";
import { type ModelConfig, modelOf } from "../models/registry.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import { gradientsOf } from "../plan/differentiate.ts";
import { ALL_FUSION, type FusionSet } from "../plan/fuse.ts";
import { layOutParameters } from "../plan/parameter_layout.ts";
import type { Plan } from "../plan/plan.ts";
import { METRIC_COLUMNS, METRIC_WIDTH, RING_SLOTS } from "./metric_columns.ts";

export interface OptimiserSettings {
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly gradClip: number;
}

export interface TrainingGraphOptions {
  readonly model: ModelConfig;
  readonly shape: BatchShape;
  readonly vocabularySize: number;
  readonly optimiser: OptimiserSettings;
  /** Gives dead tensors' memory to later ones. @default true */
  readonly share?: boolean;
  /** Which rules may join launches and memory. @default all */
  readonly fusion?: FusionSet;
}

/** Added to the root of AdamW's second moment. */
const EPSILON = 1e-8;

/**
 * Plan of one update. Inputs: tokens (B, N) and targets (B N) i32, schedule (3) f32 as in the op adamw,
 * slot (1) i32, the row of the metric ring to write.
 */
export function trainingPlan(options: TrainingGraphOptions): Plan {
  const { shape: { batch, seqLen }, optimiser } = options;
  const graph = new Graph();
  const tokens = graph.input("tokens", i32(batch, seqLen));
  const targets = graph.input("targets", i32(batch * seqLen));
  const schedule = graph.input("schedule", f32(3));
  const slot = graph.input("slot", i32(1));
  const { model: config, shape, vocabularySize } = options;
  const { features, head } = modelOf(config).forward(graph, {
    config,
    shape,
    vocabularySize,
    tokens,
  });
  const { loss } = chunkedCrossEntropy(features, { head, targets });
  const seed = { tensor: loss, cotangent: fill(graph, { shape: loss.type.shape, value: 1 }) };
  const gradients = gradientsOf([seed], graph.parameters);
  const layout = layOutParameters(graph.parameters);
  const flat = f32(layout.bytes / 4);
  const gradient = graph.arena("grad", flat);
  const { norm, nonFinite } = gradientNorm(gradient);
  adamw(
    {
      parameters: graph.arena("param", flat),
      gradient,
      m: graph.arena("m", flat),
      v: graph.arena("v", flat),
      schedule,
      norm,
    },
    {
      beta1: optimiser.beta1,
      beta2: optimiser.beta2,
      epsilon: EPSILON,
      weight_decay: optimiser.weightDecay,
      grad_clip: optimiser.gradClip,
      decayed: layout.decayedBytes / 4,
    },
  );
  const ring = graph.arena("metric", f32(RING_SLOTS, METRIC_WIDTH));
  recordMetric({ ring, slot, values: loss }, { column: METRIC_COLUMNS.loss });
  recordMetric({ ring, slot, values: norm }, { column: METRIC_COLUMNS.gradNorm });
  recordMetric({ ring, slot, values: nonFinite }, { column: METRIC_COLUMNS.nonFinite });
  const pairs = graph.parameters.map((parameter, k) => [parameter, gradients[k]] as const);
  return compilePlan(graph, {
    gradients: new Map(pairs),
    share: options.share ?? true,
    fusion: options.fusion ?? ALL_FUSION,
  });
}

/** Number of trained values. */
export function parameterCount(plan: Plan): number {
  return plan.parameters.reduce(
    (sum, { tensor }) => sum + sizeOf(plan.tensors[tensor].type.shape),
    0,
  );
}
