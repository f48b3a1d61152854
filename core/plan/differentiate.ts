/** Reverse-mode differentiation of a graph: appends nodes that compute cotangents. */
import { HarnessError } from "../errors.ts";
import { stopped } from "../graph/op.ts";
import type { Node, Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { fill } from "../ops/fill.ts";

/** A tensor and the cotangent that flows into it. */
export interface Seed {
  /** A result of the graph. */
  readonly tensor: Tensor;
  /** Derivative of the objective by it, of the same shape. */
  readonly cotangent: Tensor;
}

/**
 * Gradients of sum(seeds: <tensor, cotangent>) with respect to `wanted`, in that order. A wanted tensor
 * that the seeds do not depend on gets zeros.
 *
 * @throws {HarnessError} If an op on the way has no gradient
 */
export function gradientsOf(seeds: readonly Seed[], wanted: readonly Tensor[]): readonly Tensor[] {
  const graph = seeds[0].tensor.graph;
  const relevant = dependants(graph.nodes, wanted);
  const cotangents = new Map<Tensor, Tensor>();
  const accumulate = (tensor: Tensor, cotangent: Tensor): void => {
    const old = cotangents.get(tensor);
    cotangents.set(tensor, old ? add(old, cotangent) : cotangent);
  };
  for (const { tensor, cotangent } of seeds) accumulate(tensor, cotangent);
  // The list grows while cotangents are traced; only the forward nodes are walked.
  for (const node of [...graph.nodes].reverse()) {
    if (!node.inputs.some((tensor) => relevant.has(tensor))) continue;
    const incoming = node.outputs.map((tensor) => cotangents.get(tensor));
    if (incoming.every((cotangent) => cotangent === undefined)) continue;
    backward(node, { incoming, relevant }).forEach((cotangent, index) => {
      if (cotangent !== stopped && relevant.has(node.inputs[index])) {
        accumulate(node.inputs[index], cotangent);
      }
    });
  }
  return wanted.map((tensor) =>
    cotangents.get(tensor) ?? fill(graph, { shape: tensor.type.shape, value: 0 })
  );
}

/** Tensors whose value depends on one of `roots`, the roots included. */
function dependants(nodes: readonly Node[], roots: readonly Tensor[]): ReadonlySet<Tensor> {
  const found = new Set<Tensor>(roots);
  for (const node of nodes) {
    if (node.inputs.some((tensor) => found.has(tensor))) {
      node.outputs.forEach((tensor) => found.add(tensor));
    }
  }
  return found;
}

function backward(node: Node, flow: {
  readonly incoming: readonly (Tensor | undefined)[];
  readonly relevant: ReadonlySet<Tensor>;
}): readonly (Tensor | typeof stopped)[] {
  if (!node.op.vjp) {
    throw new HarnessError(
      `Cannot differentiate through "${node.label}": "${node.op.name}" has no gradient`,
    );
  }
  const needs = node.inputs.map((tensor) => flow.relevant.has(tensor));
  return node.inputs[0].graph.scope(`${node.label}_vjp`, () =>
    node.op.vjp!({
      inputs: node.inputs,
      outputs: node.outputs,
      cotangents: flow.incoming,
      needs,
      attributes: node.attributes,
    }));
}
