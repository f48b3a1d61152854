/**
 * Elementwise operations from typed expressions: shape rule, f64 value, gradient and WGSL all come
 * from one tree. Every file that defines an elementwise op calls `elementwiseOp`.
 */
import {
  argument,
  argumentsOf,
  differentiateExpression,
  evaluate,
  type Expression,
  mul,
  printExpression,
  substitute,
} from "../graph/expression.ts";
import {
  type Attributes,
  type Cost,
  type Op,
  type Signature,
  type Site,
  stopped,
  type Trial,
  type VjpSite,
} from "../graph/op.ts";
import {
  broadcastIndexing,
  broadcastShape,
  type Indexing,
  sameShape,
  sizeOf,
  type TensorType,
} from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
import { dispatchElementwise, type ElementwiseKernel } from "./elementwise_kernel.ts";
import { fill } from "./fill.ts";
import { sumTo } from "./sum_to.ts";

/** An elementwise op has no settings: the expression is all there is, kept as text for digests. */
export interface ElementwiseAttributes extends Attributes {
  readonly expression: string;
}
export interface ElementwiseOp extends Op<ElementwiseAttributes> {
  readonly expression: Expression;
}

/** Names, documentation and trials of an elementwise op; operands are right-aligned and broadcast. */
export interface ElementwiseDefinition {
  readonly name: string;
  readonly doc: string;
  readonly operands: readonly string[];
  readonly expression: Expression;
  readonly trials: readonly Omit<Trial<ElementwiseAttributes>, "attributes">[];
}

/** Makes an op from an expression in as many arguments as there are operands. */
export function elementwiseOp(definition: ElementwiseDefinition): ElementwiseOp {
  const { name, expression } = definition;
  const text = JSON.stringify(printExpression(expression));
  const signature: Signature<ElementwiseAttributes> = {
    doc: definition.doc,
    inputs: definition.operands.map((operand) => ({ name: operand, doc: "any shape, broadcast" })),
    outputs: [{ name: "y", doc: "broadcast shape of the inputs" }],
    params: { expression: { default: text, doc: "fixed by the op" } },
  };
  return {
    name,
    signature,
    expression,
    infer: (types) => [{ shape: broadcastShape(types.map((type) => type.shape)), dtype: "f32" }],
    vjp: (site) => gradients(name, expression, site),
    reference: (site, { inputs, outputs: [y] }) =>
      evaluateKernel({ expression, indexings: indexingsOf(site), size: y.length }, { inputs, y }),
    lower: {
      webgpu: (site, _, limits) =>
        dispatchElementwise({
          expression,
          indexings: indexingsOf(site),
          size: sizeOf(site.outputs[0].shape),
        }, limits),
    },
    cost: (site) => elementwiseCost(expression, site),
    trials: definition.trials.map((trial) => ({ ...trial, attributes: { expression: text } })),
  };
}

/** Applies an elementwise op. */
export function applyElementwise(op: ElementwiseOp, inputs: readonly Tensor[]): Tensor {
  return applyExpression(op.name, op.expression, inputs);
}

/**
 * Applies an expression to tensors. Arguments that do not occur are dropped and a tensor given twice is
 * bound once, because two writable bindings of one buffer range are invalid in WebGPU.
 */
export function applyExpression(
  name: string,
  expression: Expression,
  inputs: readonly Tensor[],
): Tensor {
  const shape = broadcastShape(inputs.map((tensor) => tensor.type.shape));
  const used = argumentsOf(expression);
  const distinct = [...new Set(used.map((index) => inputs[index]))];
  if (expression.kind === "constant") {
    return fill(inputs[0].graph, { shape, value: expression.value });
  }
  const merged = substitute(expression, (index) => argument(distinct.indexOf(inputs[index])));
  if (merged.kind === "argument" && sameShape(distinct[merged.index].type.shape, shape)) {
    return distinct[merged.index];
  }
  if (!sameShape(broadcastShape(distinct.map((t) => t.type.shape)), shape)) {
    const ones = fill(inputs[0].graph, { shape, value: 1 });
    return applyExpression(name, mul(merged, argument(distinct.length)), [...distinct, ones]);
  }
  const op = elementwiseOp({
    name,
    doc: "derived",
    operands: distinct.map((_, index) => `x${index}`),
    expression: merged,
    trials: [],
  });
  return apply(op, distinct, { expression: JSON.stringify(printExpression(merged)) });
}

function gradients(
  name: string,
  expression: Expression,
  site: VjpSite<ElementwiseAttributes>,
): readonly (Tensor | typeof stopped)[] {
  const { inputs, needs, cotangents: [dy] } = site;
  if (!dy) return [];
  return inputs.map((x, index) => {
    if (!needs[index]) return stopped;
    const slope = mul(differentiateExpression(expression, index), argument(inputs.length));
    return sumTo(applyExpression(`${name}_vjp`, slope, [...inputs, dy]), x.type.shape);
  });
}

/** How the operands of an elementwise application are read. */
export function indexingsOf(site: Pick<Site, "inputs" | "outputs">): readonly Indexing[] {
  return site.inputs.map((type) => broadcastIndexing(type.shape, site.outputs[0].shape));
}

function evaluateKernel(
  { expression, indexings }: ElementwiseKernel,
  { inputs, y }: { readonly inputs: readonly Float64Array[]; readonly y: Float64Array },
): void {
  for (let i = 0; i < y.length; i++) {
    y[i] = evaluate(
      expression,
      inputs.map((x, k) => x[Math.floor(i / indexings[k].inner) % indexings[k].size]),
    );
  }
}

function elementwiseCost(expression: Expression, site: Site): Cost {
  const tensors = [...site.inputs, ...site.outputs];
  return {
    flops: printExpression(expression).operations * sizeOf(site.outputs[0].shape),
    bytes: 4 * tensors.reduce((sum, type) => sum + sizeOf(type.shape), 0),
  };
}

/**
 * The op of several elementwise applications in one kernel, or of one whose output takes an operand's
 * memory. Operands are read by flat index, so they may have other shapes than the output. Made by the
 * planner after differentiation, so it has no gradient.
 */
export function fusedElementwiseOp(options: {
  readonly name: string;
  readonly expression: Expression;
  readonly indexings: readonly Indexing[];
  readonly output: TensorType;
  readonly inPlace?: number;
}): Op<ElementwiseAttributes> {
  const { name, expression, indexings, output, inPlace } = options;
  const kernel: ElementwiseKernel = {
    expression,
    indexings,
    size: sizeOf(output.shape),
    ...(inPlace === undefined ? {} : { inPlace }),
  };
  return {
    name,
    signature: {
      doc: "made by the planner",
      inputs: indexings.map((_, k) => ({ name: `x${k}`, doc: "read by flat index" })),
      outputs: [{ name: "y", doc: "as planned" }],
      params: { expression: { doc: "fixed by the op" } },
    },
    expression,
    indexings,
    infer: () => [output],
    reference: (_, { inputs, outputs: [y] }) => evaluateKernel(kernel, { inputs, y }),
    ...(inPlace === undefined ? {} : { updates: { 0: inPlace } }),
    lower: { webgpu: (_site, _preset, limits) => dispatchElementwise(kernel, limits) },
    cost: (site) => elementwiseCost(expression, site),
    trials: [],
  };
}
