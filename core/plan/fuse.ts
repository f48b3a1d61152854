/**
 * Fusion of elementwise chains: an elementwise value that one other elementwise op of the same size alone
 * reads is computed inside that op's kernel and never stored, and constants become part of the formula. No read
 * moves past an update of what it reads. The arithmetic and its order stay the same; a compiler that contracts
 * products may round differently.
 */
import { argument, constant, type Expression, operands, substitute } from "../graph/expression.ts";
import { type Indexing, sizeOf } from "../graph/shape.ts";
import type { Node, Tensor } from "../graph/tensor.ts";
import { fusedElementwiseOp, indexingsOf } from "../ops/elementwise.ts";
import { op as fillOp } from "../ops/fill.ts";
import { type IsOverwritten, overwritesOf } from "./overwrites.ts";

/** Which fusion rules are on; part of every plan. */
export interface FusionSet {
  /** Elementwise chains become one kernel. */
  readonly chains: boolean;
  /** An elementwise output takes the memory of an operand that dies there. */
  readonly inPlace: boolean;
  /** An elementwise op that alone reads a product or reduction is applied before that is stored. */
  readonly tails: boolean;
}

export const ALL_FUSION: FusionSet = { chains: true, inPlace: true, tails: true };
export const NO_FUSION: FusionSet = { chains: false, inPlace: false, tails: false };

/** Storage bindings of one kernel that every adapter offers, the output included. */
const MOST_BINDINGS = 8;
/** Bound on the formula, so that kernels stay quick to compile. */
const MOST_NODES = 64;

/** An elementwise application as a formula over whole tensors, views looked through. */
interface Formula {
  readonly name: string;
  readonly expression: Expression;
  readonly operands: readonly Operand[];
  /** Nodes it stands for, the last one first. */
  readonly nodes: readonly Node[];
}

interface Operand {
  readonly tensor: Tensor;
  readonly indexing: Indexing;
}

/** Fuses the chains among `nodes`, which are in order; tensors in `kept` must still be written. */
export function fuseChains(nodes: readonly Node[], kept: ReadonlySet<Tensor>): readonly Node[] {
  const readers = countReaders(nodes);
  const isOverwritten = overwritesOf(nodes);
  const formulas = new Map<Node, Formula>();
  const absorbed = new Set<Node>();
  for (const node of nodes) {
    if (!node.op.expression) continue;
    const formula = absorb(formulaOf(node), { formulas, readers, kept, isOverwritten });
    formulas.set(node, formula);
    formula.nodes.slice(1).forEach((inner) => absorbed.add(inner));
  }
  return nodes.filter((node) => !absorbed.has(node)).map((node) => {
    const formula = formulas.get(node);
    return formula && isRewritten(node, formula) ? toNode(node, formula) : node;
  });
}

/** How many operands each tensor is. */
export function countReaders(nodes: readonly Node[]): ReadonlyMap<Tensor, number> {
  const readers = new Map<Tensor, number>();
  for (const tensor of nodes.flatMap((node) => node.inputs)) {
    readers.set(tensor, (readers.get(tensor) ?? 0) + 1);
  }
  return readers;
}

/** The tensor behind views of it, with the view nodes passed. */
export function behindViews(
  tensor: Tensor,
): { readonly tensor: Tensor; readonly views: readonly Node[] } {
  const views: Node[] = [];
  let at = tensor;
  while (at.source.kind === "node" && at.source.node.op.view) {
    views.push(at.source.node);
    at = at.source.node.inputs[0];
  }
  return { tensor: at, views };
}

function formulaOf(node: Node): Formula {
  const indexings = indexingsOf({
    inputs: node.inputs.map((tensor) => tensor.type),
    outputs: node.outputs.map((tensor) => tensor.type),
  });
  return {
    name: node.op.name,
    expression: node.op.expression!,
    operands: node.inputs.map((tensor, k) => ({ tensor, indexing: indexings[k] })),
    nodes: [node],
  };
}

interface Surroundings {
  readonly formulas: ReadonlyMap<Node, Formula>;
  readonly readers: ReadonlyMap<Tensor, number>;
  readonly kept: ReadonlySet<Tensor>;
  readonly isOverwritten: IsOverwritten;
}

/** Replaces operands by their own formulas, one after another, while the limits hold. */
function absorb(formula: Formula, around: Surroundings): Formula {
  let result = formula;
  for (const { tensor } of formula.operands) {
    const at = result.operands.findIndex((operand) => operand.tensor === tensor);
    const inner = at < 0 ? undefined : innerFormula(result, { at, around });
    const larger = inner && inlined(result, { at, inner });
    if (larger && isSmallEnough(larger)) result = larger;
  }
  return result;
}

/** Formula of operand `at` if it may move into the reader's kernel. */
function innerFormula(
  reader: Formula,
  { at, around }: { readonly at: number; readonly around: Surroundings },
): Formula | undefined {
  const { tensor: outer, indexing } = reader.operands[at];
  const { tensor, views } = behindViews(outer);
  if (tensor.source.kind !== "node") return undefined;
  const { node } = tensor.source;
  if (node.op === (fillOp as unknown)) {
    const value = constant(Number(node.attributes.value));
    return { name: "", expression: value, operands: [], nodes: [] };
  }
  const formula = around.formulas.get(node);
  const size = sizeOf(reader.nodes[0].outputs[0].type.shape);
  const whole = indexing.inner === 1 && indexing.size === size &&
    sizeOf(tensor.type.shape) === size;
  const path = [tensor, ...views.map((view) => view.outputs[0])];
  const alone = path.every((t) => around.readers.get(t) === 1 && !around.kept.has(t));
  if (!formula || !whole || !alone) return undefined;
  const reads = formula.operands.map((operand) => operand.tensor);
  if (around.isOverwritten(reads, { from: node, to: reader.nodes[0] })) return undefined;
  return { ...formula, nodes: [...formula.nodes, ...views] };
}

function inlined(
  reader: Formula,
  { at, inner }: { readonly at: number; readonly inner: Formula },
): Formula | undefined {
  const rest = reader.operands.filter((_, k) => k !== at);
  const merged: Operand[] = [...rest];
  for (const operand of inner.operands) {
    const known = merged.find(({ tensor }) =>
      behindViews(tensor).tensor === behindViews(operand.tensor).tensor
    );
    if (!known) merged.push(operand);
    // One buffer range cannot be bound twice, so one tensor cannot be read in two ways.
    else if (!sameIndexing(known.indexing, operand.indexing)) return undefined;
  }
  const indexOf = (operand: Operand): number =>
    merged.findIndex(({ tensor }) =>
      behindViews(tensor).tensor === behindViews(operand.tensor).tensor
    );
  const innerExpression = substitute(inner.expression, (k) => argument(indexOf(inner.operands[k])));
  const expression = substitute(
    reader.expression,
    (k) => k === at ? innerExpression : argument(indexOf(reader.operands[k])),
  );
  const name = inner.name === "" ? reader.name : `${inner.name}+${reader.name}`;
  return { name, expression, operands: merged, nodes: [...reader.nodes, ...inner.nodes] };
}

function sameIndexing(a: Indexing, b: Indexing): boolean {
  return a.inner === b.inner && a.size === b.size;
}

function isSmallEnough({ expression, operands: read }: Formula): boolean {
  const seen = new Set<Expression>();
  const visit = (node: Expression): void => {
    if (seen.has(node)) return;
    seen.add(node);
    operands(node).forEach(visit);
  };
  visit(expression);
  // A formula without operands is a constant; the op fill writes those.
  return read.length > 0 && read.length < MOST_BINDINGS && seen.size <= MOST_NODES;
}

function isRewritten(node: Node, formula: Formula): boolean {
  return formula.expression !== node.op.expression;
}

function toNode(node: Node, formula: Formula): Node {
  const op = fusedElementwiseOp({
    name: formula.name,
    expression: formula.expression,
    indexings: formula.operands.map((operand) => operand.indexing),
    output: node.outputs[0].type,
  });
  const path = node.label.slice(0, node.label.lastIndexOf("/") + 1);
  return {
    ...node,
    op,
    attributes: { expression: JSON.stringify(formula.expression) },
    inputs: formula.operands.map((operand) => operand.tensor),
    label: `${path}${formula.name}`,
  };
}
