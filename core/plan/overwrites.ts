/**
 * Where a step overwrites memory in place: the optimiser its arenas, an assignment its target, the metrics their
 * ring. A read that stood before such a place must stay before it, and nothing else in the graph says so: a reader
 * of a parameter does not depend on the op that updates the arena the parameter lies in.
 */
import { HarnessError } from "../errors.ts";
import type { Node, Tensor } from "../graph/tensor.ts";

/** Two launches, in this order. */
export interface Stretch {
  readonly from: Node;
  readonly to: Node;
}

/** Whether any of the tensors may be overwritten by a node strictly between the two. */
export type IsOverwritten = (tensors: readonly Tensor[], within: Stretch) => boolean;

/** Looks up updates among `nodes`, which are in order. */
export function overwritesOf(nodes: readonly Node[]): IsOverwritten {
  const steps = new Map(nodes.map((node, step) => [node, step]));
  const updates = nodes.flatMap((node, step) =>
    Object.values(node.op.updates ?? {}).map((input) => ({
      step,
      memory: memoryOf(node.inputs[input]),
    }))
  );
  const stepOf = (node: Node): number => {
    const step = steps.get(node);
    if (step === undefined) {
      throw new HarnessError(`Cannot order "${node.label}": expected one of the nodes to launch`);
    }
    return step;
  };
  return (tensors, { from, to }) => {
    const [first, last] = [stepOf(from), stepOf(to)];
    const between = updates.filter(({ step }) => first < step && step < last);
    return tensors.some((tensor) => between.some(({ memory }) => mayBe(tensor, memory)));
  };
}

/** An arena that is known before places are given, or the tensor whose bytes these are. */
type Memory = Tensor | "param" | "grad" | "m" | "v" | "metric";

/** Views share their operand's bytes, updated outputs those of what they update. */
function memoryOf(tensor: Tensor): Memory {
  const { source } = tensor;
  if (source.kind === "parameter") return "param";
  if (source.kind === "arena") return source.arena;
  if (source.kind !== "node") return tensor;
  const { op, inputs } = source.node;
  const shared = op.view ? 0 : op.updates?.[source.index];
  return shared === undefined ? tensor : memoryOf(inputs[shared]);
}

/** Whether writes to `memory` may change the tensor; any result of a node may lie in the arena of gradients. */
function mayBe(tensor: Tensor, memory: Memory): boolean {
  const own = memoryOf(tensor);
  const isNode = (of: Memory): boolean => typeof of !== "string" && of.source.kind === "node";
  return own === memory ||
    memory === "grad" && isNode(own) ||
    own === "grad" && isNode(memory);
}
