/** Reverse-mode differentiation of a graph: appends nodes that compute cotangents. */
import { HarnessError } from "../errors.ts";
import { stopped } from "../graph/op.ts";
import type { Graph, Node, Segment, Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { fill } from "../ops/fill.ts";

/** A tensor and the cotangent that flows into it. */
export interface Seed {
  /** A result of the graph. */
  readonly tensor: Tensor;
  /** Derivative of the objective by it, of the same shape. */
  readonly cotangent: Tensor;
}

/** How the backward pass gets the values of the forward pass. */
export interface GradientOptions {
  /** Computes the values inside segments again instead of keeping them: less memory, the same bits. @default false */
  readonly recompute?: boolean;
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
  const graph = seeds[0].tensor.graph;
  const relevant = dependants(graph.nodes, wanted);
  const values = options.recompute ? new RecomputedValues(graph) : undefined;
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
    const at = values?.nodeFor(node) ?? node;
    backward(at, { incoming, needs: node.inputs.map((tensor) => relevant.has(tensor)) })
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

/** Copies of the nodes of each segment, traced when the backward pass first needs one of them. */
class RecomputedValues {
  readonly #graph: Graph;
  readonly #copies = new Map<Node, Node>();
  readonly #done = new Set<Segment>();

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The copy of a node inside a segment, the node itself outside. */
  nodeFor(node: Node): Node {
    const segment = this.#graph.segments.find(({ first, end }) =>
      first <= node.id && node.id < end
    );
    if (!segment) return node;
    if (!this.#done.has(segment)) {
      this.#done.add(segment);
      this.#copy(segment);
    }
    return this.#copies.get(node)!;
  }

  #copy({ name, first, end }: Segment): void {
    const twin = new Map<Tensor, Tensor>();
    for (const node of this.#graph.nodes.slice(first, end)) {
      const outputs = this.#graph.scope(
        `${name}_again`,
        () =>
          this.#graph.record(node.op, node.inputs.map((tensor) => twin.get(tensor) ?? tensor), {
            attributes: node.attributes,
            types: node.outputs.map((tensor) => tensor.type),
          }),
      );
      node.outputs.forEach((tensor, k) => twin.set(tensor, outputs[k]));
      this.#copies.set(node, this.#graph.nodes[this.#graph.nodes.length - 1]);
    }
  }
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
