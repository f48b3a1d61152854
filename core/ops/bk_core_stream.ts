/**
 * BK-Core for generation: the causal pivots of the next N sites of chains whose last pivot is known.
 *
 * Sources
 *   [1] docs/mathematics.md §4.2: the one state of the causal core is the last pivot.
 * Symbols
 *   As in bk_core; p is one coupling, also between the site before and the first of v.
 *   entry, exit  the pivots before the first and at the last site, each as the sum of two numbers of single
 *                precision, in which the kernels carry it: real and imaginary part, then their lower parts
 */
import source from "../../shaders/bk_core.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import {
  expectRank,
  expectShape,
  f32,
  formatShape,
  sizeOf,
  type TensorType,
} from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { type Complex, multiply, solveUnit } from "./band_solve.ts";
import { SEQUENTIAL } from "./bk_forms.ts";
import { bkDispatch, bkLanes } from "./bk_launches.ts";
import { launchByBatch } from "./launch_by_batch.ts";

export interface BkCoreStreamAttributes extends Attributes {
  /** Constant part of the diagonal; -2 is the discrete Laplacian. */
  readonly a: number;
}

/** Operands: B sequences, H channels, the next N tokens. */
export interface BkCoreStreamInputs {
  /** Potential (B, H, N). */
  readonly v: Tensor;
  /** Coupling p >= 0 between all neighbours: (1). */
  readonly p: Tensor;
  /** Distance of z from the real axis, > 0: (H) or (1). */
  readonly eta: Tensor;
  /** Real part of z: (H) or (1). */
  readonly lambda: Tensor;
  /** Pivot before the first site (B, H, 4): zeros for a fresh sequence, else the exit of the call before. */
  readonly entry: Tensor;
}

/**
 * v (B, H, N), entry (B, H, 4) → g (B, H, N, 2) and exit (B, H, 4). Forward only. However a sequence is cut, g
 * has the bits of `bkCore` over the whole of it in its sequential causal form with the same one coupling.
 *
 * @throws {ShapeError} If the shapes do not belong together
 */
export function bkCoreStream(
  inputs: BkCoreStreamInputs,
  options: { readonly a?: number } = {},
): { readonly g: Tensor; readonly exit: Tensor } {
  const { v, p, eta, lambda, entry } = inputs;
  const [g, exit] = applyAll(op, [v, p, eta, lambda, entry], { a: options.a ?? -2 });
  return { g, exit };
}

function infer([v, p, eta, lambda, entry]: readonly TensorType[]): readonly TensorType[] {
  expectRank("the potential v of bk_core_stream", v, { rank: 3 });
  const [batch, heads, n] = v.shape;
  if (n < 1) {
    throw new ShapeError(
      `Cannot use v ${formatShape(v.shape)} in bk_core_stream: expected N >= 1`,
    );
  }
  expectShape("the coupling p of bk_core_stream", p, f32(1));
  for (const [name, type] of [["eta", eta], ["lambda", lambda]] as const) {
    expectShape(`${name} of bk_core_stream`, type, type.shape[0] === 1 ? f32(1) : f32(heads));
  }
  expectShape("the entry of bk_core_stream", entry, f32(batch, heads, 4));
  return [f32(batch, heads, n, 2), f32(batch, heads, 4)];
}

/**
 * Diagonal elements of (H_{1..i} - z)^-1, where what lies before the first site is a term of its diagonal
 * element, -p entry (Schur complement, [1]).
 */
function continuedDiagonal(diagonal: readonly number[], at: {
  readonly p: number;
  readonly eta: number;
  readonly lambda: number;
  readonly entry: Complex;
}): readonly Complex[] {
  const { p, eta, lambda } = at;
  const before = multiply([p, 0], at.entry);
  const matrix = {
    lower: diagonal.slice(1).map((): Complex => [1, 0]),
    diagonal: diagonal.map((d, i): Complex =>
      i === 0 ? [d - lambda - before[0], -eta - before[1]] : [d - lambda, -eta]
    ),
    upper: diagonal.slice(1).map((): Complex => [p, 0]),
  };
  return diagonal.map((_, i) => solveUnit(matrix, { size: i + 1, index: i })[i]);
}

const trial = (
  name: string,
  [batch, heads, n]: readonly [number, number, number],
  at: { readonly eta: number; readonly p?: number; readonly fresh?: boolean },
): Trial<BkCoreStreamAttributes> => ({
  name: `${name}, eta ${at.eta}`,
  inputs: [
    { type: f32(batch, heads, n), law: (_, u) => 6 * u - 3 },
    { type: f32(1), law: [at.p ?? 0.75] },
    { type: f32(heads), law: (_, u) => at.eta * (1 + u) },
    { type: f32(1), law: [0.25] },
    {
      type: f32(batch, heads, 4),
      // A pivot has a positive imaginary part; the lower parts are below its rounding.
      law: (i, u) => at.fresh ? 0 : [u - 0.5, u, (u - 0.5) * 1e-8, (u - 0.5) * 1e-8][i % 4],
    },
  ],
  attributes: { a: -2 },
  tolerance: 4e-6 * Math.max(1, 0.1 / at.eta), // as bk_core
  gradientTolerance: false,
});

/** Found by the loop over all ops. */
export const op: Op<BkCoreStreamAttributes> = {
  name: "bk_core_stream",
  signature: {
    doc: "The causal bk_core continued from the last pivot of the sites before, one coupling",
    inputs: [
      { name: "v", doc: "potential (B, H, N)" },
      { name: "p", doc: "coupling p >= 0 between all neighbours: (1)", minimum: 0 },
      { name: "eta", doc: "imaginary part of z, > 0: (H) or (1)", above: 0 },
      { name: "lambda", doc: "real part of z: (H) or (1)" },
      { name: "entry", doc: "pivot before the first site (B, H, 4), zeros if there is none" },
    ],
    outputs: [
      { name: "g", doc: "(B, H, N, 2): real and imaginary part" },
      { name: "exit", doc: "last pivot (B, H, 4): real, imaginary, and their lower parts" },
    ],
    params: { a: { default: -2, doc: "constant part of the diagonal" } },
  },
  infer,
  reference: (site, { inputs: [v, [p], eta, lambda, entry], outputs: [g, exit] }) => {
    const [batch, heads, n] = site.inputs[0].shape;
    for (let chain = 0; chain < batch * heads; chain++) {
      const [re, im, reLow, imLow] = entry.subarray(4 * chain, 4 * chain + 4);
      const diagonal = Array.from(
        v.subarray(chain * n, (chain + 1) * n),
        (x) => site.attributes.a + x,
      );
      const pivots = continuedDiagonal(diagonal, {
        p,
        eta: eta[eta.length === heads ? chain % heads : 0],
        lambda: lambda[lambda.length === heads ? chain % heads : 0],
        entry: [re + reLow, im + imLow],
      });
      g.set(pivots.flat(), 2 * chain * n);
      const high = pivots[n - 1].map(Math.fround);
      exit.set([...high, ...pivots[n - 1].map((x, k) => x - high[k])], 4 * chain);
    }
  },
  lower: {
    webgpu: (site, preset, limits) => {
      const attributes = { a: site.attributes.a, ...SEQUENTIAL };
      const shards = { sharedInputs: [1, 2, 3], ...limits };
      return launchByBatch(site, shards, ({ inputs }) => [
        bkDispatch({ source, inputs, attributes, preset }, {
          entryPoint: "stream",
          bindings: [input(4), output(0), output(1)],
          invocations: inputs[0].shape[0] * inputs[0].shape[1],
          overrides: { DIRECTIONS: 1, WORKGROUP: bkLanes(preset) },
        }),
      ]);
    },
  },
  rounds: ({ inputs: [v] }) => v.shape[2],
  cost: ({ inputs: [v] }) => ({ flops: 10 * sizeOf(v.shape), bytes: 12 * sizeOf(v.shape) }),
  trials: [
    trial("one site", [1, 1, 1], { eta: 1 }),
    trial("a fresh sequence", [2, 1, 31], { eta: 0.1, fresh: true }),
    trial("two sites, small eta", [2, 3, 2], { eta: 0.01 }),
    trial("more chains than lanes", [5, 13, 3], { eta: 0.1 }),
    trial("longer than a run", [1, 2, 67], { eta: 0.1 }),
    trial("no coupling", [2, 3, 17], { eta: 0.3, p: 0 }),
  ],
};
