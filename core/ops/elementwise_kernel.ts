/**
 * The kernel of an elementwise expression: generated from shaders/elementwise.wgsl, the one shader text that
 * is filled in rather than specialised by override constants.
 */
import source from "../../shaders/elementwise.wgsl" with { type: "text" };
import { type Expression, printExpression } from "../graph/expression.ts";
import { type Dispatch, input, output } from "../graph/op.ts";
import type { Indexing } from "../graph/shape.ts";

/** What one launch computes: y[i] = expression(x_k[(i / inner_k) mod size_k]). */
export interface ElementwiseKernel {
  readonly expression: Expression;
  /** How each operand is read. */
  readonly indexings: readonly Indexing[];
  /** Elements of the output. */
  readonly size: number;
  /** Operand whose memory the output takes; it is then read through the output's binding. */
  readonly inPlace?: number;
}

/** Lanes per workgroup; a workgroup of 64 vec4 keeps 1 KiB of each operand in flight. */
const WORKGROUP = 64;

/** The launch of a kernel over the site's inputs and output 0. */
export function dispatchElementwise(kernel: ElementwiseKernel): Dispatch {
  const { indexings, size } = kernel;
  const wide = size % 4 === 0 && indexings.every(readsFours);
  const count = wide ? size / 4 : size;
  const bound = indexings.map((_, k) => k).filter((k) => k !== kernel.inPlace);
  return {
    source: print(kernel, { wide, bound }),
    shader: "elementwise",
    entryPoint: "forward",
    overrides: { COUNT: count, WORKGROUP },
    bindings: [...bound.map(input), output(0)],
    workgroups: Math.ceil(count / WORKGROUP),
  };
}

/** Whether four neighbouring outputs read four neighbouring elements, or one and the same. */
function readsFours({ inner, size }: Indexing): boolean {
  return size === 1 || (inner === 1 ? size % 4 === 0 : inner % 4 === 0);
}

interface Printing {
  /** Whether a lane computes four elements. */
  readonly wide: boolean;
  /** Operands with a binding of their own, in binding order. */
  readonly bound: readonly number[];
}

function print(kernel: ElementwiseKernel, printing: Printing): string {
  const { indexings, expression } = kernel;
  const { statements, result } = printExpression(expression);
  const bindings = printing.bound.map((k, at) =>
    `@group(0) @binding(${at}) var<storage, read_write> a${k}: array<${
      elementType(indexings[k], printing.wide)
    }>;`
  );
  const last = printing.bound.length;
  bindings.push(`@group(0) @binding(${last}) var<storage, read_write> y: array<T>;`);
  const loads = indexings.map((_, k) => `  let x${k} = ${load(kernel, k, printing.wide)};`);
  const body = [...statements, `y[i] = ${result};`].map((line) => `  ${line}`);
  return source
    .replace("TYPE_OF_T", printing.wide ? "vec4<f32>" : "f32")
    .replace("//BINDINGS", bindings.join("\n"))
    .replace("//LOADS", loads.join("\n"))
    .replace("//BODY", body.join("\n"));
}

/** A full or row operand is read as T; a scalar or per-group one element by element. */
function elementType({ inner, size }: Indexing, wide: boolean): string {
  return wide && inner === 1 && size !== 1 ? "T" : "f32";
}

function load(
  { indexings, size: total, inPlace }: ElementwiseKernel,
  k: number,
  wide: boolean,
): string {
  const { inner, size } = indexings[k];
  if (k === inPlace) return "y[i]";
  if (size === 1) return `T(a${k}[0])`;
  if (inner === 1) {
    const count = wide ? size / 4 : size;
    return size === total ? `a${k}[i]` : `a${k}[i % ${count}u]`;
  }
  const step = wide ? inner / 4 : inner;
  const index = inner * size === total ? `i / ${step}u` : `(i / ${step}u) % ${size}u`;
  return `T(a${k}[${index}])`;
}
