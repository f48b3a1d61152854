/**
 * Copies of operands that lie in the same memory as another operand of their op: WebGPU does not let one
 * launch bind a range twice, and an op may be given a tensor twice or two views of one.
 */
import { argument } from "../graph/expression.ts";
import { sizeOf } from "../graph/shape.ts";
import type { Node, Tensor } from "../graph/tensor.ts";
import { fusedElementwiseOp } from "../ops/elementwise.ts";

/**
 * Puts a copy before each node for every operand whose storage root an earlier operand has. Operands that
 * the node updates stay where they are. Integers are not copied, as elementwise kernels compute in f32.
 */
export function separateOperands(
  nodes: readonly Node[],
  rootOf: (tensor: Tensor) => Tensor,
): readonly Node[] {
  let copies = 0;
  return nodes.flatMap((node) => {
    if (node.op.view) return [node];
    const updated = new Set(Object.values(node.op.updates ?? {}));
    const taken = new Set([...updated].map((index) => rootOf(node.inputs[index])));
    const made: Node[] = [];
    const inputs = node.inputs.map((tensor, index) => {
      if (updated.has(index) || !taken.has(rootOf(tensor)) || tensor.type.dtype !== "f32") {
        taken.add(rootOf(tensor));
        return tensor;
      }
      const copy = copyOf(tensor, { reader: node, id: -1 - copies++ });
      made.push(copy);
      return copy.outputs[0];
    });
    return made.length === 0 ? [node] : [...made, { ...node, inputs }];
  });
}

/** Traced nodes and tensors have ids from 0 up, so negative ones are free. */
function copyOf(tensor: Tensor, at: { readonly reader: Node; readonly id: number }): Node {
  const { id, reader } = at;
  const outputs: Tensor[] = [];
  const node: Node = {
    id,
    op: fusedElementwiseOp({
      name: "copy",
      expression: argument(0),
      indexings: [{ inner: 1, size: sizeOf(tensor.type.shape) }],
      output: tensor.type,
    }),
    attributes: {},
    inputs: [tensor],
    outputs,
    label: `${reader.label}/copy`,
  };
  const source = { kind: "node", node, index: 0 } as const;
  outputs.push({ graph: tensor.graph, id, type: tensor.type, source, label: node.label });
  return node;
}
