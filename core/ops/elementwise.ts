/**
 * Elementwise operations from typed expressions: shape rule, f64 value, gradient and WGSL all come
 * from one tree. Every file that defines an elementwise op calls `elementwiseOp`.
 */
import source from "../../shaders/elementwise.wgsl" with { type: "text" };
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
  type Dispatch,
  input,
  type Op,
  output,
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
  type Shape,
  sizeOf,
} from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { apply } from "../graph/trace.ts";
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
    reference: (site, { inputs, outputs: [y] }) => {
      const indexings = indexingsOf(site);
      for (let i = 0; i < y.length; i++) {
        y[i] = evaluate(
          expression,
          inputs.map((x, k) => x[Math.floor(i / indexings[k].inner) % indexings[k].size]),
        );
      }
    },
    lower: { webgpu: (site) => [lower(expression, site)] },
    cost: (site) => ({
      flops: printExpression(expression).operations * sizeOf(site.outputs[0].shape),
      bytes: 4 * [...site.inputs, ...site.outputs].reduce((sum, t) => sum + sizeOf(t.shape), 0),
    }),
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

function indexingsOf(site: Site<ElementwiseAttributes>): readonly Indexing[] {
  return site.inputs.map((type) => broadcastIndexing(type.shape, site.outputs[0].shape));
}

/** Lanes per workgroup; a workgroup of 64 vec4 keeps 1 KiB of each operand in flight. */
const WORKGROUP = 64;

function lower(expression: Expression, site: Site<ElementwiseAttributes>): Dispatch {
  const size = sizeOf(site.outputs[0].shape);
  const indexings = indexingsOf(site);
  const wide = size % 4 === 0 && indexings.every(readsFours);
  const count = wide ? size / 4 : size;
  return {
    source: print(expression, { indexings, wide, shape: site.outputs[0].shape }),
    shader: "elementwise",
    entryPoint: "forward",
    overrides: { COUNT: count, WORKGROUP },
    bindings: [...site.inputs.map((_, index) => input(index)), output(0)],
    workgroups: Math.ceil(count / WORKGROUP),
  };
}

/** Whether four neighbouring outputs read four neighbouring elements, or one and the same. */
function readsFours({ inner, size }: Indexing): boolean {
  return size === 1 || (inner === 1 ? size % 4 === 0 : inner % 4 === 0);
}

interface Layout {
  readonly indexings: readonly Indexing[];
  readonly wide: boolean;
  readonly shape: Shape;
}

function print(expression: Expression, layout: Layout): string {
  const { statements, result } = printExpression(expression);
  const bindings = layout.indexings.map((indexing, k) =>
    `@group(0) @binding(${k}) var<storage, read_write> a${k}: array<${
      elementType(indexing, layout)
    }>;`
  );
  const last = layout.indexings.length;
  bindings.push(`@group(0) @binding(${last}) var<storage, read_write> y: array<T>;`);
  const loads = layout.indexings.map((indexing, k) =>
    `  let x${k} = ${load(indexing, k, layout)};`
  );
  const body = [...statements, `y[i] = ${result};`].map((line) => `  ${line}`);
  return source
    .replace("TYPE_OF_T", layout.wide ? "vec4<f32>" : "f32")
    .replace("//BINDINGS", bindings.join("\n"))
    .replace("//LOADS", loads.join("\n"))
    .replace("//BODY", body.join("\n"));
}

/** A full or row operand is read as T; a scalar or per-group one element by element. */
function elementType({ inner, size }: Indexing, layout: Layout): string {
  return layout.wide && inner === 1 && size !== 1 ? "T" : "f32";
}

function load({ inner, size }: Indexing, k: number, { wide, shape }: Layout): string {
  const total = sizeOf(shape);
  if (size === 1) return `T(a${k}[0])`;
  if (inner === 1) {
    const count = wide ? size / 4 : size;
    return size === total ? `a${k}[i]` : `a${k}[i % ${count}u]`;
  }
  const step = wide ? inner / 4 : inner;
  const index = inner * size === total ? `i / ${step}u` : `(i / ${step}u) % ${size}u`;
  return `T(a${k}[${index}])`;
}
