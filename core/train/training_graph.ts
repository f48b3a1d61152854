/** The graph of one update: forward, loss, gradients, clipping, AdamW, metrics. */
import { f32, i32, sizeOf } from "../graph/shape.ts";
import { Graph, type Tensor } from "../graph/tensor.ts";
import type { Scheduled } from "../layers/scheduled_state.ts";
import { adamw } from "../ops/adamw.ts";
import { add } from "../ops/add.ts";
import { chunkedCrossEntropy } from "../ops/chunked_cross_entropy.ts";
import { fill } from "../ops/fill.ts";
import { gradientNorm } from "../ops/gradient_norm.ts";
import { recordMetric } from "../ops/record_metric.ts";
import { reshape } from "../ops/reshape.ts";
import { scale } from "../ops/scale.ts";
import type { BatchShape } from "../models/model.ts";
import { type ModelConfig, modelOf } from "../models/registry.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import { type ActivationStorage, gradientsOf } from "../plan/differentiate.ts";
import { ALL_FUSION, type FusionSet } from "../plan/fuse.ts";
import { layOutParameters } from "../plan/parameter_layout.ts";
import type { Plan } from "../plan/plan.ts";
import {
  type DiagnosticColumns,
  METRIC_COLUMNS,
  METRIC_WIDTH,
  RING_SLOTS,
} from "./metric_columns.ts";
import { SCHEDULE_PREFIX } from "./scheduled_inputs.ts";

export interface OptimiserSettings {
  readonly weightDecay: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly gradClip: number;
}

/** What one update trains, and how its plan may trade time for memory. */
export interface TrainingGraphOptions {
  readonly model: ModelConfig;
  /** Sizes of one micro-batch. */
  readonly shape: BatchShape;
  readonly vocabularySize: number;
  readonly optimiser: OptimiserSettings;
  /** Micro-batches per update, whose gradients are averaged. @default 1 */
  readonly accumulation?: number;
  /** Computes the inner values of each block again in the backward pass instead of keeping them. @default false */
  readonly checkpointing?: boolean;
  /** Storage of what the forward pass leaves to the backward pass; arithmetic is f32 either way. @default "f32" */
  readonly activationStorage?: ActivationStorage;
  /** Keeps AdamW's moments in host memory between updates. @default false */
  readonly offloadMoments?: boolean;
  /** Records what the model wants watched with every update. @default false */
  readonly diagnostics?: boolean;
  /** Gives dead tensors' memory to later ones. @default true */
  readonly share?: boolean;
  /** Which rules may join launches and memory. @default all */
  readonly fusion?: FusionSet;
}

/** Added to the root of AdamW's second moment. */
const EPSILON = 1e-8;

/** Names of the inputs of micro-batch `index`. */
export function microBatchInputs(
  index: number,
): { readonly tokens: string; readonly targets: string } {
  return { tokens: `tokens/${index}`, targets: `targets/${index}` };
}

/** Names of inputs that are positions of random streams begin so; the rest names the stream. */
export const NOISE_PREFIX = "noise/";

/** The plan of one update and where the ring holds the model's diagnostics. */
export interface TrainingStep {
  readonly plan: Plan;
  readonly diagnostics: readonly DiagnosticColumns[];
}

/** Plan of one update, as in `trainingStep`. */
export function trainingPlan(options: TrainingGraphOptions): Plan {
  return trainingStep(options).plan;
}

/**
 * Plan of one update. Inputs: for each micro-batch tokens (B, N) and targets (B N) i32, named by
 * `microBatchInputs`; schedule (3) f32 as in the op adamw; slot (1) i32, the row of the metric ring to write; for
 * each random stream that the model draws from its position (3) i32, as the op threefry takes it; for each of the
 * model's schedules its value after this update (1) f32, as `scheduledInputs` gives it.
 */
export function trainingStep(options: TrainingGraphOptions): TrainingStep {
  const graph = new Graph();
  const schedule = graph.input("schedule", f32(3));
  const slot = graph.input("slot", i32(1));
  const { loss, featureNorm, gradients, watched } = averageOverMicroBatches(graph, options);
  const { norm, nonFinite } = update(graph, { schedule, optimiser: options.optimiser });
  const diagnostics = diagnosticColumns(options.diagnostics ? watched : {});
  const width = diagnostics.reduce((sum, { width }) => sum + width, METRIC_WIDTH);
  const ring = graph.arena("metric", f32(RING_SLOTS, width));
  recordMetric({ ring, slot, values: loss }, { column: METRIC_COLUMNS.loss });
  recordMetric({ ring, slot, values: norm }, { column: METRIC_COLUMNS.gradNorm });
  recordMetric({ ring, slot, values: nonFinite }, { column: METRIC_COLUMNS.nonFinite });
  recordMetric({ ring, slot, values: featureNorm }, { column: METRIC_COLUMNS.featureNorm });
  for (const { name, column } of diagnostics) {
    recordMetric({ ring, slot, values: watched[name] }, { column });
  }
  const pairs = graph.parameters.map((parameter, k) => [parameter, gradients[k]] as const);
  const plan = compilePlan(graph, {
    gradients: new Map(pairs),
    share: options.share ?? true,
    fusion: options.fusion ?? ALL_FUSION,
    offload: options.offloadMoments ? ["m", "v"] : [],
  });
  return { plan, diagnostics };
}

/** Behind the columns that every ring has, in the model's order. */
function diagnosticColumns(
  watched: Readonly<Record<string, Tensor>>,
): readonly DiagnosticColumns[] {
  let column = METRIC_WIDTH;
  return Object.entries(watched).map(([name, { type }]) => {
    const width = sizeOf(type.shape);
    column += width;
    return { name, column: column - width, width };
  });
}

interface LossAndGradients {
  readonly loss: Tensor;
  /** Norm of the features of all rows, (1); 0 where and only where all of them are. */
  readonly featureNorm: Tensor;
  /** Gradient of each parameter, in the order of the graph's parameters. */
  readonly gradients: readonly Tensor[];
  /** Diagnostics of the model. */
  readonly watched: Readonly<Record<string, Tensor>>;
}

/** Each micro-batch goes forward and back before the next, so that only one's activations live at a time. */
function averageOverMicroBatches(graph: Graph, options: TrainingGraphOptions): LossAndGradients {
  const count = options.accumulation ?? 1;
  const scheduled = scheduledOn(graph);
  let total = microBatch(graph, { options, index: 0, count, scheduled });
  for (let index = 1; index < count; index++) {
    const next = graph.withSameParameters(() =>
      microBatch(graph, { options, index, count, scheduled })
    );
    total = {
      watched: next.watched,
      loss: add(total.loss, next.loss),
      featureNorm: add(total.featureNorm, next.featureNorm),
      gradients: total.gradients.map((gradient, k) => add(gradient, next.gradients[k])),
    };
  }
  return { ...total, loss: scale(total.loss, 1 / count) };
}

/** Inputs for scheduled values; micro-batches of an update share them. */
function scheduledOn(graph: Graph): Scheduled {
  const known = new Map<string, Tensor>();
  return (name) => {
    const tensor = known.get(name) ?? graph.input(`${SCHEDULE_PREFIX}${name}`, f32(1));
    known.set(name, tensor);
    return tensor;
  };
}

function microBatch(graph: Graph, at: {
  readonly options: TrainingGraphOptions;
  readonly index: number;
  readonly count: number;
  readonly scheduled: Scheduled;
}): LossAndGradients {
  const { model: config, shape, vocabularySize, checkpointing, activationStorage } = at.options;
  const names = microBatchInputs(at.index);
  const tokens = graph.input(names.tokens, i32(shape.batch, shape.seqLen));
  const targets = graph.input(names.targets, i32(shape.batch * shape.seqLen));
  const { features, head, auxiliaryLoss, diagnostics } = modelOf(config).forward(graph, {
    config,
    shape,
    vocabularySize,
    tokens,
    purpose: "train",
    noise: (name) => graph.input(`${NOISE_PREFIX}${at.index}/${name}`, i32(3)),
    scheduled: at.scheduled,
  });
  const { loss } = chunkedCrossEntropy(features, { head, targets });
  const parts = auxiliaryLoss ? [loss, auxiliaryLoss] : [loss];
  const seeds = parts.map((tensor) => ({
    tensor,
    cotangent: fill(graph, { shape: tensor.type.shape, value: 1 / at.count }),
  }));
  const gradients = gradientsOf(seeds, graph.parameters, {
    recompute: checkpointing ?? false,
    storage: activationStorage ?? "f32",
  });
  const { norm: featureNorm } = gradientNorm(reshape(features, [sizeOf(features.type.shape)]));
  return { loss, featureNorm, gradients, watched: diagnostics };
}

/** AdamW over the whole arenas, with the gradient's norm clipped. */
function update(graph: Graph, options: {
  readonly schedule: Tensor;
  readonly optimiser: OptimiserSettings;
}): { readonly norm: Tensor; readonly nonFinite: Tensor } {
  const { schedule, optimiser } = options;
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
  return { norm, nonFinite };
}

/** Number of trained values. */
export function parameterCount(plan: Plan): number {
  return plan.parameters.reduce(
    (sum, { tensor }) => sum + sizeOf(plan.tensors[tensor].type.shape),
    0,
  );
}
