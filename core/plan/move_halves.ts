/**
 * When values are packed and unpacked. They are traced where a gradient first asks for them; there a pack
 * would make its f32 value wait for the backward pass, and an unpacked value may wait for a reader further on.
 */
import type { Node, Tensor } from "../graph/tensor.ts";
import { op as packOp } from "../ops/pack_f16.ts";
import { op as unpackOp } from "../ops/unpack_f16.ts";

/** The nodes with every pack right behind what it packs and every unpack right before its first reader. */
export function moveHalves(nodes: readonly Node[]): readonly Node[] {
  const producers = new Map<Tensor, Node>();
  const readers = new Map<Tensor, Node>();
  for (const node of nodes) {
    node.outputs.forEach((tensor) => producers.set(tensor, node));
    for (const tensor of node.inputs) {
      if (!readers.has(tensor)) readers.set(tensor, node);
    }
  }
  const behind = new Map<Node, Node[]>();
  const before = new Map<Node, Node[]>();
  const moved = new Set<Node>();
  const move = (node: Node, to: { at: Node | undefined; lists: Map<Node, Node[]> }): void => {
    if (!to.at) return;
    to.lists.set(to.at, [...to.lists.get(to.at) ?? [], node]);
    moved.add(node);
  };
  for (const node of nodes) {
    if (node.op === (packOp as unknown)) {
      move(node, { at: producers.get(node.inputs[0]), lists: behind });
    } else if (node.op === (unpackOp as unknown)) {
      move(node, { at: readers.get(node.outputs[0]), lists: before });
    }
  }
  return nodes.filter((node) => !moved.has(node))
    .flatMap((node) => [...before.get(node) ?? [], node, ...behind.get(node) ?? []]);
}
