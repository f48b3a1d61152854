/** How the backward pass gets the values of the forward pass: kept, kept in half precision, or computed again. */
import type { Graph, Node, Segment, Tensor } from "../graph/tensor.ts";
import { HalfStorage } from "./half_storage.ts";

/** A segment computed again. */
interface Copy {
  /** The second node of each of its nodes that is applied again. */
  readonly nodes: ReadonlyMap<Node, Node>;
  /** The second value of each of its values. */
  readonly values: ReadonlyMap<Tensor, Tensor>;
}

/** The forward nodes as their gradients see them. Made before the first gradient is traced. */
export class SavedValues {
  readonly #graph: Graph;
  readonly #recompute: boolean;
  readonly #halves: HalfStorage | undefined;
  readonly #copies = new Map<Segment, Copy>();

  constructor(
    graph: Graph,
    options: { readonly recompute: boolean; readonly storage: "f32" | "f16" },
  ) {
    this.#graph = graph;
    this.#recompute = options.recompute;
    this.#halves = options.storage === "f16" ? new HalfStorage(graph) : undefined;
  }

  /** The node with the operands and results that its gradient is to read. */
  nodeFor(node: Node): Node {
    if (!node.op.view) this.#halves?.next();
    const copy = this.#recompute ? this.#copyWith(node) : undefined;
    const again = copy?.nodes.has(node) ? copy.values : undefined;
    const current = (tensor: Tensor): Tensor => again?.get(tensor) ?? this.#kept(tensor);
    return {
      ...(copy?.nodes.get(node) ?? node),
      inputs: node.inputs.map(current),
      outputs: node.outputs.map(current),
    };
  }

  #kept(tensor: Tensor): Tensor {
    return this.#halves?.read(tensor) ?? tensor;
  }

  /** The copy of the segment that holds the node, traced when it is first needed. */
  #copyWith(node: Node): Copy | undefined {
    const segment = this.#graph.segments.find(({ first, end }) =>
      first <= node.id && node.id < end
    );
    if (!segment) return undefined;
    const known = this.#copies.get(segment) ?? this.#trace(segment);
    this.#copies.set(segment, known);
    return known;
  }

  #trace({ name, first, end }: Segment): Copy {
    const values = new Map<Tensor, Tensor>();
    const nodes = new Map<Node, Node>();
    for (const node of this.#graph.nodes.slice(first, end)) {
      // Computed from rounded values, a choice of experts could fall otherwise than in the forward pass, and its
      // indices would not belong to its weights: both stay, and its gradient reads the operands of the forward pass.
      if (this.#halves && node.outputs.some(({ type }) => type.dtype === "i32")) continue;
      const inputs = node.inputs.map((tensor) => values.get(tensor) ?? this.#kept(tensor));
      const outputs = this.#graph.scope(
        `${name}_again`,
        () =>
          this.#graph.record(node.op, inputs, {
            attributes: node.attributes,
            types: node.outputs.map((tensor) => tensor.type),
          }),
      );
      node.outputs.forEach((tensor, k) => values.set(tensor, outputs[k]));
      nodes.set(node, this.#graph.nodes[this.#graph.nodes.length - 1]);
    }
    return { nodes, values };
  }
}
