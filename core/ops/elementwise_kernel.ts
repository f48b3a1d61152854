/**
 * The kernel of an elementwise expression: generated from shaders/elementwise.wgsl, the one shader text that
 * is filled in rather than specialised by override constants.
 */
import source from "../../shaders/elementwise.wgsl" with { type: "text" };
import { type Expression, printExpression } from "../graph/expression.ts";
import { type Binding, type Dispatch, input, type LaunchLimits, output } from "../graph/op.ts";
import { BYTES_PER_ELEMENT, type Indexing } from "../graph/shape.ts";
import { MAX_BINDING_BYTES } from "./row_shards.ts";

/** What the launches compute: y[i] = expression(x_k[(i / inner_k) mod size_k]). */
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

/**
 * The launches of a kernel over the site's inputs and output 0. Beyond `maxBindingBytes` (a multiple of 256) each
 * takes its part of the output and of the operands that are read like it; how it is cut depends on sizes alone,
 * so that plans are the same on every adapter.
 */
export function dispatchElementwise(
  kernel: ElementwiseKernel,
  { maxBindingBytes = MAX_BINDING_BYTES }: LaunchLimits = {},
): readonly Dispatch[] {
  const { indexings, size } = kernel;
  const wide = size % 4 === 0 && indexings.every(readsFours);
  const bound = indexings.map((_, k) => k).filter((k) => k !== kernel.inPlace);
  const source = print(kernel, { wide, bound });
  const part = maxBindingBytes / BYTES_PER_ELEMENT;
  return Array.from({ length: Math.max(1, Math.ceil(size / part)) }, (_, index): Dispatch => {
    const first = index * part;
    const elements = Math.min(part, size - first);
    const count = wide ? elements / 4 : elements;
    const cut = (binding: Binding): Binding =>
      elements === size ? binding : {
        ...binding,
        byteOffset: BYTES_PER_ELEMENT * first,
        byteLength: BYTES_PER_ELEMENT * elements,
      };
    return {
      source,
      shader: "elementwise",
      entryPoint: "forward",
      overrides: {
        COUNT: count,
        WORKGROUP,
        ...(first === 0 ? {} : { FIRST: wide ? first / 4 : first }),
      },
      bindings: [
        ...bound.map((k) => isWhole(kernel, k) ? cut(input(k)) : input(k)),
        cut(output(0)),
      ],
      workgroups: Math.ceil(count / WORKGROUP),
    };
  });
}

/** Whether operand k is read at the output's own index. */
function isWhole({ indexings, size }: ElementwiseKernel, k: number): boolean {
  return indexings[k].inner === 1 && indexings[k].size === size;
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
    .replace("TYPE_OF_BITS", printing.wide ? "vec4<u32>" : "u32")
    .replace("//BINDINGS", bindings.join("\n"))
    .replace("//LOADS", loads.join("\n"))
    .replace("//BODY", body.join("\n"));
}

/** A full or row operand is read as T; a scalar or per-group one element by element. */
function elementType({ inner, size }: Indexing, wide: boolean): string {
  return wide && inner === 1 && size !== 1 ? "T" : "f32";
}

/** Operands that are cut like the output are read at i, others at the index `at` into the uncut output. */
function load(kernel: ElementwiseKernel, k: number, wide: boolean): string {
  const { inner, size } = kernel.indexings[k];
  if (k === kernel.inPlace) return "y[i]";
  if (size === 1) return `T(a${k}[0])`;
  if (isWhole(kernel, k)) return `a${k}[i]`;
  if (inner === 1) return `a${k}[at % ${wide ? size / 4 : size}u]`;
  const step = wide ? inner / 4 : inner;
  const index = inner * size === kernel.size ? `at / ${step}u` : `(at / ${step}u) % ${size}u`;
  return `T(a${k}[${index}])`;
}
