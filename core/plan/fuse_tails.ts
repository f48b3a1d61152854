/**
 * Fusion of elementwise ops into the product or reduction they follow: where an elementwise op alone reads the
 * value of an op that can take a tail, the value is transformed before it is stored, and one launch and one trip
 * through memory are saved. No read moves past an update of what it reads.
 */
import { argument, type Expression, substitute } from "../graph/expression.ts";
import type { Tail } from "../graph/op.ts";
import { type Indexing, sizeOf } from "../graph/shape.ts";
import type { Node, Tensor } from "../graph/tensor.ts";
import { indexingsOf } from "../ops/elementwise.ts";
import { behindViews, countReaders } from "./fuse.ts";
import { type IsOverwritten, overwritesOf } from "./overwrites.ts";

/** Moves tails into the ops before them; tensors in `kept` must still be written. */
export function fuseTails(nodes: readonly Node[], kept: ReadonlySet<Tensor>): readonly Node[] {
  const readers = countReaders(nodes);
  const isOverwritten = overwritesOf(nodes);
  const steps = new Map(nodes.map((node, step) => [node, step]));
  const lastReaders = new Map<Tensor, number>();
  nodes.forEach((node, step) => {
    if (node.op.view) return;
    node.inputs.forEach((tensor) => lastReaders.set(behindViews(tensor).tensor, step));
  });
  const gone = new Set<Node>();
  const made = nodes.map((node) => {
    const found = node.op.expression && !node.op.updates
      ? withHead(node, { readers, kept, gone, steps, lastReaders, isOverwritten })
      : undefined;
    if (!found) return node;
    found.absorbed.forEach((inner) => gone.add(inner));
    return found.node;
  });
  return made.filter((node) => !gone.has(node));
}

interface Surroundings {
  readonly readers: ReadonlyMap<Tensor, number>;
  readonly kept: ReadonlySet<Tensor>;
  readonly steps: ReadonlyMap<Node, number>;
  readonly lastReaders: ReadonlyMap<Tensor, number>;
  /** Ops that have become part of another. */
  readonly gone: ReadonlySet<Node>;
  readonly isOverwritten: IsOverwritten;
}

interface Found {
  readonly node: Node;
  readonly absorbed: readonly Node[];
}

/** The node with one of its operands' ops taken in, if any can be. */
function withHead(node: Node, around: Surroundings): Found | undefined {
  const indexings = node.op.indexings ?? indexingsOf({
    inputs: node.inputs.map((tensor) => tensor.type),
    outputs: node.outputs.map((tensor) => tensor.type),
  });
  for (let at = 0; at < node.inputs.length; at++) {
    const found = headAt(node, { at, indexings, around });
    if (found) return found;
  }
  return undefined;
}

function headAt(node: Node, { at, indexings, around }: {
  readonly at: number;
  readonly indexings: readonly Indexing[];
  readonly around: Surroundings;
}): Found | undefined {
  const { tensor, views } = behindViews(node.inputs[at]);
  if (tensor.source.kind !== "node" || tensor.source.index !== 0) return undefined;
  const head = tensor.source.node;
  const size = sizeOf(node.outputs[0].type.shape);
  const isWhole = indexings[at].inner === 1 && indexings[at].size === size;
  const path = [tensor, ...views.map((view) => view.outputs[0])];
  const isAlone = path.every((t) => around.readers.get(t) === 1 && !around.kept.has(t));
  if (!head.op.withTail || around.gone.has(head) || !isWhole || !isAlone) return undefined;
  const rest = node.inputs.map((_, k) => k).filter((k) => k !== at);
  // The head moves to the place of its tail, so nothing may read its other outputs before.
  const others = head.outputs.slice(1);
  if (others.some((t) => around.readers.has(t) || around.kept.has(t))) return undefined;
  // One launch cannot bind a range twice, so what the head reads must not be read by the tail.
  const own = head.inputs.map((t) => behindViews(t).tensor);
  if (rest.some((k) => own.includes(behindViews(node.inputs[k]).tensor))) return undefined;
  if (around.isOverwritten(head.inputs, { from: head, to: node })) return undefined;
  if (!isWorthWaiting(head, { until: around.steps.get(node)!, around })) return undefined;
  const tail: Tail = {
    name: node.op.name,
    expression: renumbered(node.op.expression!, { at, rest }),
    indexings: rest.map((k) => indexings[k]),
    output: node.outputs[0].type,
  };
  const op = head.op.withTail(tail);
  if (!op) return undefined;
  const prefix = node.label.slice(0, node.label.lastIndexOf("/") + 1);
  const inputs = [...head.inputs, ...rest.map((k) => node.inputs[k])];
  const outputs = [node.outputs[0], ...others];
  const attributes = { ...head.attributes, tail: JSON.stringify(tail.expression) };
  return {
    node: { ...node, op, attributes, inputs, outputs, label: `${prefix}${op.name}` },
    absorbed: [head, ...views],
  };
}

/** The tail's formula with the head's value as argument 0 and the other operands after it. */
function renumbered(
  e: Expression,
  { at, rest }: { readonly at: number; readonly rest: readonly number[] },
): Expression {
  return substitute(e, (k) => argument(k === at ? 0 : 1 + rest.indexOf(k)));
}

/** Whether the operands that would wait for the tail take no more room than the value that would. */
function isWorthWaiting(
  head: Node,
  { until, around }: { readonly until: number; readonly around: Surroundings },
): boolean {
  const waiting = head.inputs.map((tensor) => behindViews(tensor).tensor).filter((tensor) =>
    tensor.source.kind === "node" && around.lastReaders.get(tensor)! < until
  );
  const room = waiting.reduce((sum, tensor) => sum + sizeOf(tensor.type.shape), 0);
  const launchesBetween = until - around.steps.get(head)! > 4;
  return !launchesBetween || room <= sizeOf(head.outputs[0].type.shape);
}
