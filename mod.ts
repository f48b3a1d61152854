/**
 * The ResNet-BK research harness as a library: a compiler for training steps on WebGPU, the BK-Core
 * operation, the models built on it, and exact small-sample statistics. Experiments are run from the command
 * line (`deno task reproduce phase4`); this module is for programs that use the parts.
 *
 * @example The causal Green function of a constant potential, on the reference backend
 * ```ts
 * import { bkCore, compilePlan, f32, fill, Graph, referenceBackend } from "./mod.ts";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * const graph = new Graph();
 * const one = fill(graph, { shape: [1], value: 1 });
 * const zero = fill(graph, { shape: [1], value: 0 });
 * const v = graph.input("v", f32(1, 1, 2));
 * graph.output("g", bkCore({ v, p: one, eta: one, lambda: zero }));
 *
 * const program = await referenceBackend({ precision: "f64" }).compile(compilePlan(graph));
 * program.step({ v: Float32Array.of(2, 2) });
 * const g = await program.read("g"); // d = -i: g_1 = 1 / d = i, g_2 = 1 / (d - g_1) = i / 2
 * assertAlmostEquals(g[1], 1);
 * assertAlmostEquals(g[3], 0.5);
 * ```
 *
 * @module
 */

// Tracing a graph.
export { Graph, type Node, type Segment, type Tensor } from "./core/graph/tensor.ts";
export type {
  ArenaSource,
  InitialLaw,
  InputSource,
  NodeSource,
  ParameterSource,
  Source,
} from "./core/graph/tensor.ts";
export {
  type Dtype,
  f32,
  i32,
  type Indexing,
  type Shape,
  type TensorType,
} from "./core/graph/shape.ts";

// Operations.
export { add } from "./core/ops/add.ts";
export {
  bkCore,
  type BkCoreInputs,
  type BkCoreOptions,
  type BkDirection,
} from "./core/ops/bk_core.ts";
export type { BkBounds } from "./core/ops/bk_forms.ts";
export { causalAttention } from "./core/ops/causal_attention.ts";
export { chunkedCrossEntropy, type CrossEntropy } from "./core/ops/chunked_cross_entropy.ts";
export { embedding } from "./core/ops/embedding.ts";
export { fill } from "./core/ops/fill.ts";
export { gelu } from "./core/ops/gelu.ts";
export { matmul, type MatmulOptions } from "./core/ops/matmul.ts";
export { multiply } from "./core/ops/multiply.ts";
export { reshape } from "./core/ops/reshape.ts";
export { softmax } from "./core/ops/softmax.ts";
export { sum, type SumAttributes } from "./core/ops/sum.ts";

// What an operation is made of.
export { stopped } from "./core/graph/op.ts";
export type {
  Attributes,
  Binding,
  Cost,
  Dispatch,
  Op,
  ParameterDoc,
  Port,
  Preset,
  Signature,
  Site,
  Tail,
  Trial,
  TrialInput,
  VjpSite,
} from "./core/graph/op.ts";
export type { Binary, Expression, Unary } from "./core/graph/expression.ts";

// Plans and backends.
export { type CompileOptions, compilePlan } from "./core/plan/compile_plan.ts";
export type { FusionSet } from "./core/plan/fuse.ts";
export { type GradientOptions, gradientsOf, type Seed } from "./core/plan/differentiate.ts";
export {
  type ArenaName,
  ARENAS,
  type OffloadableArena,
  type OffloadedArena,
  type PlacedTensor,
  type Plan,
  type PlannedParameter,
  type PlanStep,
} from "./core/plan/plan.ts";
export type { AdapterFacts } from "./core/plan/adapter_facts.ts";
export type { Backend, BackendFacts, Program, StepInput } from "./core/plan/backend.ts";
export { webGpuBackend, type WebGpuOptions } from "./core/gpu/backend.ts";
export { referenceBackend, type ReferencePrecision } from "./core/reference/interpreter.ts";

// Models.
export { type ModelConfig, type ModelKind, MODELS } from "./core/models/registry.ts";
export type {
  BatchShape,
  CommonConfig,
  ForwardOptions,
  ForwardPass,
  Model,
} from "./core/models/model.ts";
export type { ResnetBkConfig } from "./core/models/resnet_bk.ts";
export type { TransformerConfig } from "./core/models/transformer.ts";

// Statistics.
export {
  type Arm,
  type PairedDifferences,
  pairedDifferences,
  type SeedValue,
} from "./core/stats/paired_differences.ts";
export { type SignFlipResult, signFlipTest } from "./core/stats/sign_flip_test.ts";
export {
  type PairedTTest,
  pairedTTest,
  type UntestableReason,
} from "./core/stats/paired_t_test.ts";
export { type HedgesDz, hedgesDz } from "./core/stats/hedges_dz.ts";
export { holm } from "./core/stats/holm.ts";
export { type LevelOptions, type TInterval, tInterval } from "./core/stats/t_interval.ts";

// Errors.
export {
  DataError,
  DeviceError,
  DeviceLostError,
  HarnessError,
  ManifestError,
  NoAdapterError,
  NumericError,
  OutOfMemoryError,
  ShaderError,
  ShapeError,
  StoreError,
  UsageError,
} from "./core/errors.ts";
