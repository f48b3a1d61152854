/** Runs one op on given values, on a backend of the caller's. */
import type { Attributes, Op } from "../../../core/graph/op.ts";
import type { TensorType } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { applyAll } from "../../../core/graph/trace.ts";
import type { Backend, StepInput } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";

/** Type and values of one input. */
export interface GivenInput {
  readonly type: TensorType;
  readonly values: readonly number[];
}

/** Values of all outputs of one application. */
export async function runOp<A extends Attributes>(backend: Backend, op: Op<A>, given: {
  readonly inputs: readonly GivenInput[];
  readonly attributes: A;
}): Promise<readonly number[][]> {
  const graph = new Graph();
  const tensors = given.inputs.map(({ type }, i) => graph.input(`x${i}`, type));
  const outputs = applyAll(op, tensors, given.attributes);
  outputs.forEach((tensor, i) => graph.output(`y${i}`, tensor));
  const program = await backend.compile(compilePlan(graph));
  const step: StepInput = Object.fromEntries(
    given.inputs.map(({ type, values }, i) => [
      `x${i}`,
      type.dtype === "i32" ? Int32Array.from(values) : Float32Array.from(values),
    ]),
  );
  try {
    program.step(step);
    const found: number[][] = [];
    for (let i = 0; i < outputs.length; i++) found.push(Array.from(await program.read(`y${i}`)));
    return found;
  } finally {
    program.destroy();
  }
}
