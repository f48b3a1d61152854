/** The loop body of ops_test.ts: runs one trial of one op on a backend and compares. */
import type { Attributes, Op, Trial, TrialInput } from "../../core/graph/op.ts";
import { f32, sizeOf } from "../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../core/graph/tensor.ts";
import { applyAll } from "../../core/graph/trace.ts";
import type { Backend, StepInput } from "../../core/plan/backend.ts";
import { compilePlan } from "../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../core/plan/differentiate.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { normalQuantile } from "../../core/random/normal.ts";
import { stream } from "../../core/random/streams.ts";
import { uniform } from "../../core/random/uniform.ts";

/** A traced trial: forward, and backward from cotangents where the op has a gradient. */
export interface TracedTrial {
  readonly plan: Plan;
  readonly values: StepInput;
  /** Labels of forward outputs, "y0", … */
  readonly outputs: readonly string[];
  /** Input index and label of each gradient. */
  readonly gradients: readonly { readonly index: number; readonly label: string }[];
}

/** Values of one trial input, rounded to its element type. */
export function trialValues(input: TrialInput, name: string): Float32Array | Int32Array {
  const from = stream(7, name);
  const size = sizeOf(input.type.shape);
  const draw = (index: number): number => uniform(from, { step: 0, index });
  const value = (index: number): number => {
    const { law } = input;
    if (typeof law === "function") return law(index, draw(index));
    if (typeof law !== "string") return law[index];
    if (law === "positive") return 0.05 + 1.95 * draw(index);
    const z = normalQuantile(draw(index));
    if (law === "normal") return z;
    return [z, -0, z * 1e-6, 1, z, 8 * z, z, 1][index % 8];
  };
  const values = Array.from({ length: size }, (_, index) => value(index));
  return input.type.dtype === "i32" ? Int32Array.from(values) : Float32Array.from(values);
}

/** Traces a trial with its inputs as inputs of the step, and cotangents for every f32 output. */
export function traceTrial(
  op: Op,
  trial: Trial,
  options: { readonly share?: boolean } = {},
): TracedTrial {
  const graph = new Graph();
  const values: Record<string, Float32Array | Int32Array> = {};
  const inputs = trial.inputs.map((input, index) => {
    const name = `x${index}`;
    values[name] = trialValues(input, name);
    return graph.input(name, input.type);
  });
  const outputs = inputs.length > 0
    ? applyAll(op, inputs, trial.attributes)
    : graph.record(op, [], { attributes: trial.attributes, types: op.infer([], trial.attributes) });
  outputs.forEach((tensor, k) => graph.output(`y${k}`, tensor));
  const gradients = trial.gradientTolerance === false
    ? []
    : traceGradients(graph, { inputs, outputs, values });
  return {
    plan: compilePlan(graph, options),
    values,
    outputs: outputs.map((_, k) => `y${k}`),
    gradients,
  };
}

function traceGradients(graph: Graph, at: {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly values: Record<string, Float32Array | Int32Array>;
}): TracedTrial["gradients"] {
  const seeds = at.outputs.flatMap((tensor, k) => {
    if (tensor.type.dtype !== "f32") return [];
    const name = `w${k}`;
    const type = f32(...tensor.type.shape);
    at.values[name] = trialValues({ type, law: "normal" }, name);
    return [{ tensor, cotangent: graph.input(name, type) }];
  });
  const wanted = at.inputs.flatMap((tensor, index) =>
    tensor.type.dtype === "f32" ? [{ tensor, index }] : []
  );
  const found = gradientsOf(seeds, wanted.map(({ tensor }) => tensor));
  return wanted.map(({ index }, k) => {
    const label = `d${index}`;
    graph.output(label, found[k]);
    return { index, label };
  });
}

/** Runs a traced trial once and returns all its outputs by label. */
export async function runTrial(
  traced: TracedTrial,
  backend: Backend,
): Promise<ReadonlyMap<string, Float64Array>> {
  const program = await backend.compile(traced.plan);
  try {
    program.step(traced.values);
    const labels = [...traced.outputs, ...traced.gradients.map((gradient) => gradient.label)];
    const found = new Map<string, Float64Array>();
    for (const label of labels) found.set(label, await program.read(label));
    return found;
  } finally {
    program.destroy();
  }
}

/** Largest |got - want| relative to the largest |want|; NaN if anything is NaN. Zero sizes give 0. */
export function relativeError(got: Float64Array, want: Float64Array): number {
  let error = 0;
  let scale = 0;
  for (let i = 0; i < want.length; i++) {
    const difference = Math.abs(got[i] - want[i]);
    if (Number.isNaN(difference)) return NaN;
    error = Math.max(error, difference);
    scale = Math.max(scale, Math.abs(want[i]));
  }
  return error === 0 ? 0 : error / Math.max(scale, 1e-30);
}

/** Every op under core/ops, found by its file. */
export async function allOps(): Promise<readonly Op<Attributes>[]> {
  const folder = new URL("../../core/ops/", import.meta.url);
  const names: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.name.endsWith(".ts")) names.push(entry.name);
  }
  const ops: Op<Attributes>[] = [];
  for (const name of names.sort()) {
    const module = await import(new URL(name, folder).href) as { readonly op?: Op<Attributes> };
    if (module.op) ops.push(module.op);
  }
  return ops;
}
