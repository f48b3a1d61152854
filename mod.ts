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
export { Graph, type Tensor } from "./core/graph/tensor.ts";
export { f32, i32, type TensorType } from "./core/graph/shape.ts";

// Operations.
export { add } from "./core/ops/add.ts";
export { bkCore, type BkCoreInputs, type BkCoreOptions } from "./core/ops/bk_core.ts";
export { causalAttention } from "./core/ops/causal_attention.ts";
export { chunkedCrossEntropy } from "./core/ops/chunked_cross_entropy.ts";
export { embedding } from "./core/ops/embedding.ts";
export { fill } from "./core/ops/fill.ts";
export { gelu } from "./core/ops/gelu.ts";
export { matmul, type MatmulOptions } from "./core/ops/matmul.ts";
export { multiply } from "./core/ops/multiply.ts";
export { reshape } from "./core/ops/reshape.ts";
export { softmax } from "./core/ops/softmax.ts";
export { sum } from "./core/ops/sum.ts";

// Plans and backends.
export { compilePlan, type CompileOptions } from "./core/plan/compile_plan.ts";
export { gradientsOf, type Seed } from "./core/plan/differentiate.ts";
export type { Backend, Program, StepInput } from "./core/plan/backend.ts";
export type { Plan } from "./core/plan/plan.ts";
export { webGpuBackend, type WebGpuOptions } from "./core/gpu/backend.ts";
export { referenceBackend } from "./core/reference/interpreter.ts";

// Models.
export { MODELS, type ModelConfig } from "./core/models/registry.ts";

// Statistics.
export { pairedDifferences } from "./core/stats/paired_differences.ts";
export { signFlipTest } from "./core/stats/sign_flip_test.ts";
export { pairedTTest } from "./core/stats/paired_t_test.ts";
export { hedgesDz } from "./core/stats/hedges_dz.ts";
export { holm } from "./core/stats/holm.ts";
export { tInterval } from "./core/stats/t_interval.ts";

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
