/** An op with an elementwise tail: bias, residual, gate or activation without a launch of its own. */
import { HarnessError } from "../errors.ts";
import { evaluate, type Expression, operands, printExpression } from "../graph/expression.ts";
import {
  type Attributes,
  type Binding,
  type Cost,
  type Dispatch,
  input,
  type Op,
  type Site,
  type Tail,
} from "../graph/op.ts";
import { BYTES_PER_ELEMENT, type Indexing, sizeOf } from "../graph/shape.ts";

/** How the op's shader stores its values. */
export interface TailOptions {
  /** Some of its kernels store vectors of four: function `finish_4` beside `finish_1`. @default false */
  readonly vectors?: boolean;
}

/** Storage bindings that every adapter offers. */
const MOST_BINDINGS = 8;

/** Functions that the elementwise template defines and other shaders do not. */
const NOT_HERE = ["tanh", "log1p", "nan"];

/**
 * `head` followed by `tail`, or `undefined` where the launch would bind too much, the formula needs functions
 * that the shader lacks, or vectors of four would need single elements of an operand. The launch of `head` that
 * writes its output 0 binds its inputs or scratch and all its outputs, and its WGSL marks the places of the tail.
 */
export function opWithTail<A extends Attributes>(
  head: Op<A>,
  tail: Tail,
  { vectors = false }: TailOptions = {},
): Op | undefined {
  const own = head.signature.inputs.length;
  const total = sizeOf(tail.output.shape);
  const bindings = own + head.signature.outputs.length + tail.indexings.length;
  const isTaken = !vectors || tail.indexings.every((indexing) => readsFours(indexing, total));
  if (!isTaken || bindings > MOST_BINDINGS || usesAny(tail.expression, NOT_HERE)) return undefined;
  const headOf = (site: Site<A>): Site<A> => {
    const inputs = site.inputs.slice(0, own);
    return { ...site, inputs, outputs: head.infer(inputs, site.attributes) };
  };
  const { scratch, rounds } = head;
  const made: Op<A> = {
    name: `${head.name}+${tail.name}`,
    signature: head.signature,
    infer: (inputs, attributes) => [
      tail.output,
      ...head.infer(inputs.slice(0, own), attributes).slice(1),
    ],
    reference: (site, { inputs, outputs: [y, ...rest] }) => {
      const value = new Float64Array(y.length);
      const outputs = [value, ...rest];
      head.reference(headOf(site), { inputs: inputs.slice(0, own), outputs });
      const read = inputs.slice(own);
      y.forEach((_, i) => {
        const others = read.map((x, k) => x[elementOf(tail.indexings[k], i)]);
        y[i] = evaluate(tail.expression, [value[i], ...others]);
      });
    },
    ...(scratch ? { scratch: (site: Site<A>) => scratch(headOf(site)) } : {}),
    ...(rounds ? { rounds: (site: Site<A>) => rounds(headOf(site)) } : {}),
    lower: {
      webgpu: (site, preset, limits) => {
        const dispatches = head.lower.webgpu(headOf(site), preset, limits);
        const finishing = finishingLaunches(dispatches);
        return dispatches.map((dispatch) =>
          finishing.has(dispatch) ? withTail(dispatch, { tail, total, own, vectors }) : dispatch
        );
      },
    },
    cost: (site) => costWithTail(head.cost(headOf(site)), { tail, read: site.inputs.slice(own) }),
    trials: [],
  };
  return made as unknown as Op; // a node holds an op together with the attributes it was given
}

/** Whether four neighbouring outputs read four neighbouring elements, or one and the same. */
function readsFours({ inner, size }: Indexing, total: number): boolean {
  if (inner === 1) return size === 1 || size === total || size % 4 === 0;
  return inner % 4 === 0;
}

function elementOf({ inner, size }: Indexing, i: number): number {
  return Math.floor(i / inner) % size;
}

function usesAny(e: Expression, kinds: readonly string[], seen = new Set<Expression>()): boolean {
  if (seen.has(e)) return false;
  seen.add(e);
  return kinds.includes(e.kind) || operands(e).some((operand) => usesAny(operand, kinds, seen));
}

function costWithTail(
  { flops, bytes }: Cost,
  { tail, read }: { readonly tail: Tail; readonly read: Site["inputs"] },
): Cost {
  return {
    flops: flops + sizeOf(tail.output.shape) * printExpression(tail.expression).operations,
    bytes: read.reduce((sum, type) => sum + 4 * sizeOf(type.shape), bytes),
  };
}

/** Where a launch writes the op's value. */
function resultOf({ bindings }: Dispatch): Binding | undefined {
  return bindings.find(({ role, index }) => role === "output" && index === 0);
}

/** Launches that leave the op's value behind, not partial results in scratch or where a later launch goes on. */
function finishingLaunches(dispatches: readonly Dispatch[]): ReadonlySet<Dispatch> {
  const last = new Map<number, Dispatch>();
  for (const dispatch of dispatches) {
    const result = resultOf(dispatch);
    if (result) last.set(result.byteOffset ?? 0, dispatch);
  }
  return new Set(last.values());
}

function withTail(dispatch: Dispatch, at: {
  readonly tail: Tail;
  readonly total: number;
  /** Inputs of the op without its tail. */
  readonly own: number;
  readonly vectors: boolean;
}): Dispatch {
  const { tail, total, own, vectors } = at;
  const next = dispatch.bindings.length;
  const { byteOffset = 0, byteLength } = resultOf(dispatch)!;
  const first = byteOffset / BYTES_PER_ELEMENT;
  const declarations = tail.indexings.flatMap((_, k) => {
    const place = `@group(0) @binding(${next + k}) var<storage, read_write>`;
    const single = `${place} t${k}_1: array<f32>;`;
    return vectors ? [`${place} t${k}_4: array<vec4<f32>>;`, single] : [single];
  });
  const texts: readonly (readonly [string, string])[] = [
    ["//TAIL_BINDINGS", declarations.join("\n")],
    ["//TAIL_1\n  return x0;", body(tail, { total, first, isWide: false })],
  ];
  const wide: typeof texts = vectors
    ? [["//TAIL_4\n  return x0;", body(tail, { total, first, isWide: true })]]
    : [];
  const source = [...texts, ...wide].reduce((text, [mark, by]) => {
    if (text.includes(mark)) return text.replace(mark, by);
    throw new HarnessError(`Cannot give shader "${dispatch.shader}" a tail: it has no "${mark}"`);
  }, dispatch.source);
  // An operand like the output is cut like the output, others are read at the index in the uncut output.
  const inputs = tail.indexings.map((indexing, k): Binding =>
    isWhole(indexing, total) && byteLength !== undefined
      ? { ...input(own + k), byteOffset, byteLength }
      : input(own + k)
  );
  return { ...dispatch, source, bindings: [...dispatch.bindings, ...inputs] };
}

interface Printing {
  /** Elements of the output. */
  readonly total: number;
  /** First of them that the launch writes. */
  readonly first: number;
  /** Whether four elements are computed at once. */
  readonly isWide: boolean;
}

function body(tail: Tail, printing: Printing): string {
  const type = printing.isWide ? "vec4<f32>" : "f32";
  const loads = tail.indexings.map((indexing, k) =>
    `let x${k + 1} = ${load(indexing, k, printing)};`
  );
  const { statements, result } = printExpression(tail.expression);
  return [...loads, ...statements, `return ${result};`]
    .map((line) => `  ${line.replaceAll("T(", `${type}(`)}`).join("\n");
}

function isWhole({ inner, size }: Indexing, total: number): boolean {
  return inner === 1 && size === total;
}

/** Operand k where `i` counts outputs of the launch, or groups of four of them. */
function load(indexing: Indexing, k: number, { total, first, isWide }: Printing): string {
  const { inner, size } = indexing;
  if (size === 1) return `T(t${k}_1[0])`;
  const width = isWide ? 4 : 1;
  // Whole fours wherever the function for four is called.
  const shift = isWhole(indexing, total) ? 0 : Math.floor(first % (inner * size) / width);
  const at = shift === 0 ? "i" : `(i + ${shift}u)`;
  if (inner > 1) return `T(t${k}_1[(${at} / ${inner / width}u) % ${size}u])`;
  const index = size === total ? "i" : `${at} % ${size / width}u`;
  return isWide ? `t${k}_4[${index}]` : `t${k}_1[${index}]`;
}
