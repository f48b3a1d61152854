/** A matrix product with an elementwise tail: bias, residual, gate or activation without a launch of its own. */
import { evaluate, type Expression, operands, printExpression } from "../graph/expression.ts";
import { type Dispatch, input, type Op, type Tail } from "../graph/op.ts";
import { type Indexing, sizeOf } from "../graph/shape.ts";
import type { MatmulAttributes } from "./matmul.ts";

/** Storage bindings that every adapter offers, less the product's own three. */
const MOST_INPUTS = 5;

/** Functions that the elementwise template defines and this shader does not. */
const NOT_HERE = ["tanh", "log1p"];

/**
 * `product` followed by `tail`, or `undefined` where an input is read neither whole, by row nor as one value,
 * or the formula needs functions that the shader lacks.
 */
export function matmulWithTail(product: Op<MatmulAttributes>, tail: Tail): Op | undefined {
  const total = sizeOf(tail.output.shape);
  const isTaken = tail.indexings.every(({ inner, size }) =>
    inner === 1 && (size === 1 || size === total || size % 4 === 0)
  );
  if (!isTaken || tail.indexings.length > MOST_INPUTS || usesAny(tail.expression, NOT_HERE)) {
    return undefined;
  }
  const own = 2;
  const made: Op<MatmulAttributes> = {
    name: `matmul+${tail.name}`,
    signature: product.signature,
    infer: () => [tail.output],
    reference: (site, { inputs, outputs: [y] }) => {
      const value = new Float64Array(y.length);
      const inner = { ...site, inputs: site.inputs.slice(0, own) };
      product.reference(inner, { inputs: inputs.slice(0, own), outputs: [value] });
      for (let i = 0; i < y.length; i++) {
        const read = inputs.slice(own).map((x, k) => x[i % tail.indexings[k].size]);
        y[i] = evaluate(tail.expression, [value[i], ...read]);
      }
    },
    lower: {
      webgpu: (site, preset) =>
        product.lower.webgpu({ ...site, inputs: site.inputs.slice(0, own) }, preset).map((
          dispatch,
        ) => withTail(dispatch, { tail, total, own })),
    },
    rounds: (site) => product.rounds!({ ...site, inputs: site.inputs.slice(0, own) }),
    cost: (site) => {
      const { flops, bytes } = product.cost({ ...site, inputs: site.inputs.slice(0, own) });
      const read = site.inputs.slice(own).reduce((sum, type) => sum + 4 * sizeOf(type.shape), 0);
      return {
        flops: flops + total * printExpression(tail.expression).operations,
        bytes: bytes + read,
      };
    },
    trials: [],
  };
  return made as unknown as Op; // a node holds an op together with the attributes it was given
}

function usesAny(e: Expression, kinds: readonly string[], seen = new Set<Expression>()): boolean {
  if (seen.has(e)) return false;
  seen.add(e);
  return kinds.includes(e.kind) || operands(e).some((operand) => usesAny(operand, kinds, seen));
}

function withTail(dispatch: Dispatch, at: {
  readonly tail: Tail;
  readonly total: number;
  readonly own: number;
}): Dispatch {
  const { tail, total, own } = at;
  const first = dispatch.bindings.length;
  const inputs = tail.indexings.map((_, k) => input(own + k));
  const declarations = tail.indexings.flatMap((_, k) => [
    `@group(0) @binding(${first + k}) var<storage, read_write> t${k}_4: array<vec4<f32>>;`,
    `@group(0) @binding(${first + k}) var<storage, read_write> t${k}_1: array<f32>;`,
  ]);
  return {
    ...dispatch,
    source: dispatch.source
      .replace("//TAIL_BINDINGS", declarations.join("\n"))
      .replace("//TAIL_4\n  return x0;", body(tail, { total, wide: true }))
      .replace("//TAIL_1\n  return x0;", body(tail, { total, wide: false })),
    bindings: [...dispatch.bindings, ...inputs],
  };
}

function body(
  tail: Tail,
  { total, wide }: { readonly total: number; readonly wide: boolean },
): string {
  const type = wide ? "vec4<f32>" : "f32";
  const loads = tail.indexings.map((indexing, k) =>
    `let x${k + 1} = ${load(indexing, { k, total, wide })};`
  );
  const { statements, result } = printExpression(tail.expression);
  return [...loads, ...statements, `return ${result};`]
    .map((line) => `  ${line.replaceAll("T(", `${type}(`)}`).join("\n");
}

function load(
  { size }: Indexing,
  { k, total, wide }: { readonly k: number; readonly total: number; readonly wide: boolean },
): string {
  if (size === 1) return `T(t${k}_1[0])`;
  const count = wide ? size / 4 : size;
  const index = size === total ? "i" : `i % ${count}u`;
  return wide ? `t${k}_4[${index}]` : `t${k}_1[${index}]`;
}
