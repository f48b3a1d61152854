/** Records applications of ops while a model function runs. */
import { HarnessError } from "../errors.ts";
import type { Attributes, Op } from "./op.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Applies an op that has one output.
 *
 * @throws {ShapeError} If the op rejects the inputs' types
 */
export function apply<A extends Attributes>(
  op: Op<A>,
  inputs: readonly Tensor[],
  attributes: A,
): Tensor {
  return applyAll(op, inputs, attributes)[0];
}

/** Applies an op and returns all its outputs. */
export function applyAll<A extends Attributes>(
  op: Op<A>,
  inputs: readonly Tensor[],
  attributes: A,
): readonly Tensor[] {
  const graph = inputs[0]?.graph;
  if (!graph) {
    throw new HarnessError(`Cannot apply "${op.name}" to no tensors: the graph is unknown`);
  }
  if (inputs.some((tensor) => tensor.graph !== graph)) {
    throw new HarnessError(`Cannot apply "${op.name}" to tensors of two graphs`);
  }
  const types = op.infer(inputs.map((tensor) => tensor.type), attributes);
  // The contract is erased here, once: a node holds the op together with the attributes it was given.
  return graph.record(op as unknown as Op, inputs, { attributes, types });
}
