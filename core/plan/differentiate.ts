/** Reverse-mode differentiation of a graph: appends nodes that compute cotangents. */
import { HarnessError } from "../errors.ts";
import { stopped } from "../graph/op.ts";
import type { Node, Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { fill } from "../ops/fill.ts";
import { SavedValues } from "./saved_values.ts";

/** A tensor and the cotangent that flows into it. */
export interface Seed {
  /** A result of the graph. */
  readonly tensor: Tensor;
  /** Derivative of the objective by it, of the same shape. */
  readonly cotangent: Tensor;
}

/** Form in which large values wait for the backward pass. */
export type ActivationStorage = "f32" | "f16";

/** How the backward pass gets the values of the forward pass. */
export interface GradientOptions {
  /** Computes the values inside segments again instead of keeping them: less memory, the same bits. @default false */
  readonly recompute?: boolean;
  /**
   * Form in which large values wait for the backward pass: `f16` rounds them to half precision, which takes
   * half the memory and gives gradients within a band; arithmetic is f32 in any case. With `recompute` the values
   * between segments are stored so. @default "f32"
   */
  readonly storage?: ActivationStorage;
}

/**
 * Gradients of sum(seeds: <tensor, cotangent>) with respect to `wanted`, in that order. A wanted tensor
 * that the seeds do not depend on gets zeros.
 *
 * @throws {HarnessError} If an op on the way has no gradient
 */
export function gradientsOf(
  seeds: readonly Seed[],
  wanted: readonly Tensor[],
  options: GradientOptions = {},
): readonly Tensor[] {
  const { recompute = false, storage = "f32" } = options;
  const graph = seeds[0].tensor.graph;
  const relevant = dependants(graph.nodes, wanted);
  const values = new SavedValues(graph, { recompute, storage });
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
    const needs = node.inputs.map((tensor) => relevant.has(tensor));
    backward(values.nodeFor(node), { incoming, needs })
      .forEach((cotangent, index) => {
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
  readonly needs: readonly boolean[];
}): readonly (Tensor | typeof stopped)[] {
  if (!node.op.vjp) {
    throw new HarnessError(
      `Cannot differentiate through "${node.label}": "${node.op.name}" has no gradient`,
    );
  }
  const { graph } = node.outputs[0];
  return graph.scope(`${node.label}_vjp`, () =>
    node.op.vjp!({
      inputs: node.inputs,
      outputs: node.outputs,
      cotangents: flow.incoming,
      needs: flow.needs,
      attributes: node.attributes,
    }));
}
