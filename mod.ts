/**
 * The ResNet-BK research harness as a library: a compiler for training steps on WebGPU, the BK-Core
 * operation, the models built on it, and exact small-sample statistics. Experiments are run from the command
 * line (`deno task reproduce phase4`); this module is for programs that use the parts.
 *
 * Length: one list of every public name; docs/library.md shows how they are used.
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
  Probe,
  ProbeAxis,
  Source,
  StateSource,
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
export { batchedMatmul } from "./core/ops/batched_matmul.ts";
export {
  bkCore,
  type BkCoreInputs,
  type BkCoreOptions,
  type BkDirection,
} from "./core/ops/bk_core.ts";
export type { BkBounds } from "./core/ops/bk_forms.ts";
export type { BkGradMode } from "./core/ops/bk_gradient_modes.ts";
export { bkCoreStream, type BkCoreStreamInputs } from "./core/ops/bk_core_stream.ts";
export { causalAttention } from "./core/ops/causal_attention.ts";
export { chunkedCrossEntropy, type CrossEntropy } from "./core/ops/chunked_cross_entropy.ts";
export { concat } from "./core/ops/concat.ts";
export { divide } from "./core/ops/divide.ts";
export { embedding } from "./core/ops/embedding.ts";
export { fill } from "./core/ops/fill.ts";
export { gelu } from "./core/ops/gelu.ts";
export { linearScan } from "./core/ops/linear_scan.ts";
export { matmul, type MatmulOptions } from "./core/ops/matmul.ts";
export { multiply } from "./core/ops/multiply.ts";
export { relu } from "./core/ops/relu.ts";
export { reshape } from "./core/ops/reshape.ts";
export {
  type ResolventMixed,
  resolventMixer,
  type ResolventMixerInputs,
  type ResolventMixerOptions,
} from "./core/ops/resolvent_mixer.ts";
export type { ResolventBounds } from "./core/ops/resolvent_forms.ts";
export { scale } from "./core/ops/scale.ts";
export {
  semiseparableDiagonal,
  type SemiseparableInputs,
  type SemiseparableOptions,
} from "./core/ops/semiseparable_diagonal.ts";
export { silu } from "./core/ops/silu.ts";
export { slice } from "./core/ops/slice.ts";
export { softClamp } from "./core/ops/soft_clamp.ts";
export { softmax } from "./core/ops/softmax.ts";
export { softplus } from "./core/ops/softplus.ts";
export { sum, type SumAttributes } from "./core/ops/sum.ts";
export { swapAxes, type SwapAxesAttributes } from "./core/ops/swap_axes.ts";

// Layers: functions that declare parameters and apply operations.
export {
  causalConvolution,
  type CausalConvolutionOptions,
} from "./core/layers/causal_convolution.ts";
export { linear, type LinearOptions } from "./core/layers/linear.ts";
export { rmsNorm, type RmsNormOptions } from "./core/layers/rms_norm.ts";

// What an operation is made of.
export { stopped } from "./core/graph/op.ts";
export type {
  Attributes,
  Binding,
  Cost,
  Dispatch,
  LaunchLimits,
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
export {
  type ActivationStorage,
  type GradientOptions,
  gradientsOf,
  type Seed,
} from "./core/plan/differentiate.ts";
export {
  type ArenaName,
  ARENAS,
  type OffloadableArena,
  type OffloadedArena,
  type PlacedTensor,
  type Plan,
  type PlannedParameter,
  type PlannedState,
  type PlanStep,
} from "./core/plan/plan.ts";
export type { AdapterFacts } from "./core/plan/adapter_facts.ts";
export type { Backend, BackendFacts, Program, StepInput } from "./core/plan/backend.ts";
export { webGpuBackend, type WebGpuOptions } from "./core/gpu/backend.ts";
export { referenceBackend, type ReferencePrecision } from "./core/reference/interpreter.ts";

// Models.
export { modelConfig } from "./core/manifest/model_config.ts";
export type { Json, JsonObject } from "./core/manifest/json.ts";
export { type ModelConfig, type ModelKind, MODELS } from "./core/models/registry.ts";
export type {
  BatchShape,
  CommonConfig,
  ForwardOptions,
  ForwardPass,
  Model,
} from "./core/models/model.ts";
export type { Purpose } from "./core/layers/purpose.ts";
export type { SequenceMixer, SequenceMixerOptions } from "./core/models/sequence_mixer.ts";
export type { ModuleReference } from "./core/models/loaded_mixers.ts";
export type { ModuleConfig } from "./core/models/module_model.ts";
export type { BkCoreSettings } from "./core/layers/green_operands.ts";
export type { ResnetBkConfig } from "./core/models/resnet_bk.ts";
export type { ResnetBkSchedules } from "./core/models/resnet_bk_schedules.ts";
export type { Scheduled } from "./core/layers/scheduled_state.ts";
export type { ResolventBlockConfig } from "./core/models/resolvent_block.ts";
export type { TransformerConfig } from "./core/models/transformer.ts";

export {
  type ScatteringRouter,
  scatteringRouter,
  type ScatteringRouterOptions,
  type ScatteringRoutes,
} from "./core/layers/host_scattering_router.ts";

// Saved models.
export {
  fromCheckpoint,
  type FromCheckpointOptions,
  type GeneratedText,
  type LoadedModel,
} from "./core/run/from_checkpoint.ts";
export type { ChunkOptions, StreamedLoss, StreamedLossOptions } from "./core/run/streamed_loss.ts";
export { type StreamingEvaluator, streamingEvaluator } from "./core/run/streaming_evaluator.ts";
export type { CheckpointEvaluateOptions, CheckpointLoss } from "./core/run/text_loss.ts";
export type { CheckpointGenerateOptions, GeneratedToken } from "./core/run/written_tokens.ts";

// Tokenizers.
export { byteTokenizer } from "./core/data/byte_tokenizer.ts";
export { fitTokenizer, type TokenizerSettings } from "./core/data/fit_tokenizer.ts";
export type {
  TextPart,
  Tokenizer,
  TOKENIZER_SCHEMA,
  TokenizerJson,
  TokenizerKind,
  TokenizerRule,
  WordText,
} from "./core/data/tokenizer.ts";
export { type TokenizationReport, verifyTokenization } from "./core/data/verify_tokenization.ts";

// Spectral diagnostics on the host, f64.
export { type Stream, stream } from "./core/random/streams.ts";
export type { Words } from "./core/random/threefry.ts";
export {
  type ComplexVector,
  isSymmetric,
  latticeHamiltonian,
  type SpectralPoint,
  type Tridiagonal,
  tridiagonal,
  type TridiagonalParts,
} from "./core/spectral/tridiagonal.ts";
export {
  getTridiagonalInverseDiagonal,
  resolventDiagonal,
  type ResolventDirection,
  type ResolventOptions,
  resolventRow,
  type ShiftedSolver,
  shiftedSolver,
  squaredResolventRow,
} from "./core/spectral/resolvent.ts";
export {
  type BirmanSchwingerCore,
  birmanSchwingerCore,
  type BirmanSchwingerDiagnostics,
  type BirmanSchwingerOptions,
  type ResolventFeatures,
} from "./core/spectral/birman_schwinger_core.ts";
export {
  birmanSchwingerLogDeterminant,
  type ComplexNumber,
  type FreeResolvent,
  freeResolvent,
  hilbertSchmidtBound,
  hilbertSchmidtNorm,
  type LogDeterminant,
  traceNormBound,
} from "./core/spectral/birman_schwinger.ts";
export { conditionBound, conditionEstimate } from "./core/spectral/condition.ts";
export {
  type CentreOptions,
  type ConjugateCommutator,
  conjugateCommutator,
  type EnergyWindow,
  mourreConstant,
  type MourreEstimate,
  mourreEstimate,
} from "./core/spectral/mourre.ts";
export {
  type LapGrowth,
  lapGrowth,
  type LapGrowthOptions,
  type LapWeightOptions,
  lapWeights,
  weightedResolventNorm,
} from "./core/spectral/lap.ts";
export type { NormEstimate } from "./core/spectral/operator_norm.ts";
export {
  countEigenvaluesBelow,
  type EigenvalueOptions,
  symmetricEigenvalues,
} from "./core/spectral/symmetric_eigenvalues.ts";
export {
  type LevelKind,
  type LevelStatistics,
  levelStatistics,
  type LevelStatisticsOptions,
  MEAN_RATIOS,
} from "./core/spectral/level_statistics.ts";
export { type BulkOptions, spacingRatios } from "./core/spectral/spacing_ratios.ts";
export {
  type GueStatistics,
  type PrimeBumpOptions,
  type PrimeBumpPotential,
  primeBumpPotential,
  type PrimeBumpVariant,
  primeBumpWeight,
} from "./core/spectral/prime_bump.ts";
export { gueMatrix } from "./core/spectral/gue_matrix.ts";
export { primesBelow } from "./core/spectral/primes.ts";
export {
  epsilonSchedule,
  type EpsilonScheduleKind,
  type EpsilonScheduleOptions,
} from "./core/spectral/epsilon_schedule.ts";
export {
  type ScheduleShape,
  type ValueSchedule,
  valueSchedule,
  type ValueScheduleOptions,
} from "./core/spectral/value_schedule.ts";

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
export {
  type ComparedTimes,
  compareTimes,
  type LoneRatio,
  type NoRatio,
  type RatioEstimate,
  type SeedTime,
  type TimeComparison,
  type TimedArm,
} from "./core/stats/compare_times.ts";
export { type CurvePoint, firstCrossing } from "./core/stats/first_crossing.ts";
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
