/** Which nodes of a graph are launched, and in which form: the passes between tracing and placing. */
import type { Graph, Node, Tensor } from "../graph/tensor.ts";
import { fuseChains, type FusionSet } from "./fuse.ts";
import { fuseTails } from "./fuse_tails.ts";
import { takeOperandMemory } from "./in_place.ts";
import { moveHalves } from "./move_halves.ts";
import { separateOperands } from "./separate_operands.ts";

/** What the passes may do. */
export interface ArrangeOptions {
  readonly fusion: FusionSet;
  /** Whether tensors may share memory at all. */
  readonly share: boolean;
  /** Gradient of each parameter. */
  readonly gradients: ReadonlyMap<Tensor, Tensor>;
}

/** The nodes to launch, in order: live ones, fused, outputs in their operands' memory where that is safe. */
export function arrangeNodes(
  graph: Graph,
  options: ArrangeOptions,
): readonly Node[] {
  const { share, fusion, gradients } = options;
  const kept = new Set<Tensor>([...graph.outputs.values(), ...gradients.values()]);
  let nodes = liveNodes(graph.nodes, kept);
  if (fusion.chains) nodes = liveNodes(fuseChains(nodes, kept), kept);
  if (fusion.tails) nodes = fuseTails(nodes, kept);
  nodes = moveHalves(nodes);
  const roots = storageRoots(nodes);
  const rootOf = (tensor: Tensor): Tensor => roots.get(tensor) ?? tensor;
  nodes = separateOperands(nodes, rootOf);
  if (!fusion.inPlace || !share) return nodes;
  return takeOperandMemory(nodes, { rootOf, fixed: new Set([...kept].map(rootOf)) });
}

/** Nodes that a kept tensor or an arena update depends on, in order. */
function liveNodes(nodes: readonly Node[], kept: ReadonlySet<Tensor>): readonly Node[] {
  const wanted = new Set(kept);
  const live: Node[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.op.updates && !node.outputs.some((tensor) => wanted.has(tensor))) continue;
    node.inputs.forEach((tensor) => wanted.add(tensor));
    live.push(node);
  }
  return live.reverse();
}

/** Tensors that share another's bytes: views share their input's, updated outputs that of what they update. */
export function storageRoots(nodes: readonly Node[]): ReadonlyMap<Tensor, Tensor> {
  const roots = new Map<Tensor, Tensor>();
  for (const node of nodes) {
    const shared: Readonly<Record<number, number>> = node.op.view
      ? { 0: 0 }
      : node.op.updates ?? {};
    for (const [output, input] of Object.entries(shared)) {
      const source = node.inputs[input];
      roots.set(node.outputs[Number(output)], roots.get(source) ?? source);
    }
  }
  return roots;
}
