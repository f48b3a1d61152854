/** Runs one op on a case: traces it, plans it and reads everything back. */
import type { Op } from "../graph/op.ts";
import type { Shape, TensorType } from "../graph/shape.ts";
import { Graph, type Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import type { Backend } from "../plan/backend.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import { gradientsOf } from "../plan/differentiate.ts";
import type { OpCase } from "./op_case.ts";

/** A tensor that was read back. */
export interface OpTensor {
  readonly shape: Shape;
  /** f32 values in f64, or more where the backend computes in f64. */
  readonly data: Float64Array;
}

/** Outputs by name, and the gradient of sum(cotangent * output) by the name of each f32 input. */
export interface OpResult {
  readonly outputs: Readonly<Record<string, OpTensor>>;
  /** Empty where the case gives no cotangent. */
  readonly gradients: Readonly<Record<string, OpTensor>>;
}

/** A tensor to read back. */
interface Wanted {
  readonly group: "outputs" | "gradients";
  readonly name: string;
  readonly shape: Shape;
  readonly tensor: Tensor;
}

/** An output without a cotangent counts as one with a cotangent of zeros. */
export async function runOp(op: Op, { given, backend }: {
  readonly given: OpCase;
  readonly backend: Backend;
}): Promise<OpResult> {
  const graph = new Graph();
  const values: Record<string, Float32Array | Int32Array> = {};
  const feed = (label: string, from: Float32Array | Int32Array, type: TensorType): Tensor => {
    values[label] = from;
    return graph.input(label, type);
  };
  const inputs = given.inputs.map((input) =>
    feed(`inputs/${input.name}`, input.values, input.type)
  );
  const { attributes } = given;
  const outputs = inputs.length > 0
    ? applyAll(op, inputs, attributes)
    : graph.record(op, [], { attributes, types: given.outputs });
  const seeds = [...given.cotangents].map(([index, cotangent]) => {
    const tensor = outputs[index];
    const { name } = op.signature.outputs[index];
    return { tensor, cotangent: feed(`cotangents/${name}`, cotangent, tensor.type) };
  });
  const wanted: Wanted[] = outputs.map((tensor, index) => {
    const { name } = op.signature.outputs[index];
    return { group: "outputs", name, shape: tensor.type.shape, tensor };
  });
  if (seeds.length > 0) wanted.push(...traceGradients({ seeds, inputs, given }));
  wanted.forEach(({ group, name, tensor }) => graph.output(`${group}/${name}`, tensor));
  return await readBack(graph, { values, wanted, backend });
}

function traceGradients({ seeds, inputs, given }: {
  readonly seeds: Parameters<typeof gradientsOf>[0];
  readonly inputs: readonly Tensor[];
  readonly given: OpCase;
}): readonly Wanted[] {
  const trained = given.inputs.flatMap(({ name, shape, type }, index) =>
    type.dtype === "f32" ? [{ name, shape, tensor: inputs[index] }] : []
  );
  const found = gradientsOf(seeds, trained.map(({ tensor }) => tensor));
  return trained.map(({ name, shape }, k) => ({
    group: "gradients",
    name,
    shape,
    tensor: found[k],
  }));
}

async function readBack(graph: Graph, { values, wanted, backend }: {
  readonly values: Readonly<Record<string, Float32Array | Int32Array>>;
  readonly wanted: readonly Wanted[];
  readonly backend: Backend;
}): Promise<OpResult> {
  const program = await backend.compile(compilePlan(graph));
  try {
    program.step(values);
    const result: Record<Wanted["group"], Record<string, OpTensor>> = {
      outputs: {},
      gradients: {},
    };
    for (const { group, name, shape } of wanted) {
      result[group][name] = { shape, data: await program.read(`${group}/${name}`) };
    }
    return result;
  } finally {
    program.destroy();
  }
}
