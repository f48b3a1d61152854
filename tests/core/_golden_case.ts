/** Runs a golden case of tests/golden/ops_torch.json: outputs and gradients of sum(weight * output). */
import { assert } from "@std/assert";
import { f32 } from "../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../core/graph/tensor.ts";
import type { Backend, StepInput } from "../../core/plan/backend.ts";
import { compilePlan } from "../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../core/plan/differentiate.ts";
import { relativeError } from "./_trials.ts";

export interface GoldenCase {
  readonly inputs: Readonly<
    Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>
  >;
  readonly weights: Readonly<Record<string, readonly number[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

/** Builds the outputs by name. What it declares as a parameter is not in `inputs`. */
export type Build = (
  graph: Graph,
  inputs: Readonly<Record<string, Tensor>>,
) => Readonly<Record<string, Tensor>>;

/** Asserts that outputs and gradients are within `tolerance` of the golden ones, relative to the largest. */
export async function assertGolden(golden: GoldenCase, options: {
  readonly backend: Backend;
  readonly tolerance: number;
  /** Inputs that `build` declares as parameters under this name. */
  readonly parameters?: readonly string[];
  /** Further inputs of the step that have no gradient. */
  readonly integers?: Readonly<Record<string, readonly number[]>>;
  readonly build: Build;
}): Promise<void> {
  const { backend, parameters = [], integers = {} } = options;
  const graph = new Graph();
  const values: Record<string, Float32Array | Int32Array> = {};
  const tensors: Record<string, Tensor> = {};
  for (const [name, { shape, values: given }] of Object.entries(golden.inputs)) {
    if (parameters.includes(name)) continue;
    tensors[name] = graph.input(name, f32(...shape));
    values[name] = Float32Array.from(given);
  }
  for (const [name, given] of Object.entries(integers)) {
    tensors[name] = graph.input(name, { shape: [given.length], dtype: "i32" });
    values[name] = Int32Array.from(given);
  }
  const outputs = options.build(graph, tensors);
  for (const parameter of graph.parameters) {
    tensors[parameter.label.split("/").at(-1)!] = parameter;
  }
  const seeds = Object.entries(outputs).map(([name, tensor]) => {
    values[`w_${name}`] = Float32Array.from(golden.weights[name]);
    return { tensor, cotangent: graph.input(`w_${name}`, tensor.type) };
  });
  const names = Object.keys(golden.gradients);
  const gradients = gradientsOf(seeds, names.map((name) => tensors[name]));
  names.forEach((name, k) => graph.output(`d_${name}`, gradients[k]));
  Object.entries(outputs).forEach(([name, tensor]) => graph.output(name, tensor));
  const found = await run(graph, { backend, values, golden });
  for (const [label, want] of [...Object.entries(golden.outputs), ...prefixed(golden.gradients)]) {
    const error = relativeError(found.get(label)!, Float64Array.from(want));
    assert(error <= options.tolerance, `"${label}" is off by ${error} > ${options.tolerance}`);
  }
}

function prefixed(gradients: GoldenCase["gradients"]): [string, readonly number[]][] {
  return Object.entries(gradients).map(([name, values]) => [`d_${name}`, values]);
}

async function run(graph: Graph, options: {
  readonly backend: Backend;
  readonly values: StepInput;
  readonly golden: GoldenCase;
}): Promise<ReadonlyMap<string, Float64Array>> {
  const { backend, values, golden } = options;
  const plan = compilePlan(graph);
  const program = await backend.compile(plan);
  try {
    const parameters = new Float32Array(plan.arenaBytes.param / 4);
    for (const { name, tensor } of plan.parameters) {
      const given = golden.inputs[name.split("/").at(-1)!].values;
      parameters.set(given, plan.tensors[tensor].byteOffset / 4);
    }
    if (parameters.length > 0) program.write("param", parameters);
    program.step(values);
    const found = new Map<string, Float64Array>();
    for (const label of plan.outputs.keys()) found.set(label, await program.read(label));
    return found;
  } finally {
    program.destroy();
  }
}
