/** Elementwise outputs that take the memory of an operand that nothing reads afterwards. */
import { type Indexing, sizeOf } from "../graph/shape.ts";
import type { Node, Tensor } from "../graph/tensor.ts";
import { fusedElementwiseOp, indexingsOf } from "../ops/elementwise.ts";

export interface InPlaceOptions {
  /** Tensors whose memory is fixed or read by the host. */
  readonly fixed: ReadonlySet<Tensor>;
  /** Storage a tensor shares with another: views and updates. */
  readonly rootOf: (tensor: Tensor) => Tensor;
}

/** Rewrites elementwise nodes to overwrite an operand where that is safe. No value changes. */
export function takeOperandMemory(
  nodes: readonly Node[],
  options: InPlaceOptions,
): readonly Node[] {
  const taken = new Map<Tensor, Tensor>();
  const rootOf = (tensor: Tensor): Tensor => {
    const root = options.rootOf(tensor);
    return taken.get(root) ?? root;
  };
  const lastReader = lastReaders(nodes, options.rootOf);
  return nodes.map((node, step) => {
    const [output] = node.outputs;
    if (!node.op.expression || options.fixed.has(options.rootOf(output))) return node;
    const indexings = indexingsAt(node);
    const owners = node.inputs.map(rootOf);
    const operand = node.inputs.findIndex((tensor, k) => {
      const root = options.rootOf(tensor);
      if (owners.filter((owner) => owner === owners[k]).length > 1) return false;
      const whole = indexings[k].inner === 1 && indexings[k].size === sizeOf(output.type.shape);
      const dies = lastReader.get(rootOf(tensor)) === step && lastReader.get(root) === step;
      return whole && dies && root.source.kind === "node" && !options.fixed.has(rootOf(tensor)) &&
        !options.fixed.has(root) && sizeOf(rootOf(tensor).type.shape) === sizeOf(output.type.shape);
    });
    if (operand < 0) return node;
    const root = rootOf(node.inputs[operand]);
    taken.set(output, root);
    const last = lastReader.get(output);
    // The memory now lives as long as what is written into it.
    lastReader.set(root, Math.max(lastReader.get(root) ?? step, last ?? step));
    return overwriting(node, { operand, indexings });
  });
}

/** Step of the last node that reads each storage root. */
function lastReaders(
  nodes: readonly Node[],
  rootOf: (tensor: Tensor) => Tensor,
): Map<Tensor, number> {
  const last = new Map<Tensor, number>();
  nodes.forEach((node, step) => {
    if (node.op.view) return;
    node.inputs.forEach((tensor) => last.set(rootOf(tensor), step));
  });
  return last;
}

function indexingsAt(node: Node): readonly Indexing[] {
  return node.op.indexings ?? indexingsOf({
    inputs: node.inputs.map((tensor) => tensor.type),
    outputs: node.outputs.map((tensor) => tensor.type),
  });
}

function overwriting(
  node: Node,
  { operand, indexings }: { readonly operand: number; readonly indexings: readonly Indexing[] },
): Node {
  const op = fusedElementwiseOp({
    name: node.op.name,
    expression: node.op.expression!,
    indexings,
    output: node.outputs[0].type,
    inPlace: operand,
  });
  return { ...node, op };
}
