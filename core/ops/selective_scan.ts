/**
 * Selective scan: the state-space recurrence of Mamba.
 *
 * Sources
 *   [1] Gu, Dao, "Mamba: linear-time sequence modeling with selective state spaces" (2023), section 3.
 * Symbols
 *   B, N, D, S  sequences, positions, channels, states per channel ([1]: B, L, D, N)
 *   delta       step (B, N, D), > 0;  a  (D, S), < 0;  b, c  input and output weights (B, N, S)
 * Departures
 *   The skip term D x of [1] is left to the caller. `euler` takes delta b for the input weights as the code of
 *   [1] does, `zoh` (e^{delta a} - 1) / a b as its equation 4 says.
 */
import source from "../../shaders/selective_scan.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Attributes,
  type Dispatch,
  input,
  type Op,
  output,
  type Site,
  stopped,
  type Trial,
} from "../graph/op.ts";
import { expectRank, expectShape, f32, formatShape, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { fill } from "./fill.ts";
import { launchByBatch } from "./launch_by_batch.ts";
import { reshape } from "./reshape.ts";
import {
  type Discretisation,
  SCAN_CHUNK,
  scanLaunches,
  selectiveScanByDefinition,
} from "./selective_scan_parts.ts";
import { selectiveScanVjp } from "./selective_scan_vjp.ts";
import { sum } from "./sum.ts";

export interface SelectiveScanAttributes extends Attributes {
  readonly discretisation: Discretisation;
}

/** Operands of the selective scan. */
export interface SelectiveScanInputs {
  /** (B, N, D). */
  readonly x: Tensor;
  /** Steps (B, N, D), > 0. */
  readonly delta: Tensor;
  /** (D, S), < 0; S a multiple of 4, at most 16. */
  readonly a: Tensor;
  /** (B, N, S). */
  readonly b: Tensor;
  /** (B, N, S). */
  readonly c: Tensor;
}

/** y (B, N, D) with h_t = e^{delta a} h_{t-1} + f b_t x_t and y_t = sum_s c_{t,s} h_{t,s}. */
export function selectiveScan(
  { x, delta, a, b, c }: SelectiveScanInputs,
  options: { readonly discretisation?: Discretisation } = {},
): Tensor {
  const discretisation = options.discretisation ?? "euler";
  return applyAll(op, [x, delta, a, b, c], { discretisation })[0];
}

function infer([x, delta, a, b, c]: readonly TensorType[]): readonly TensorType[] {
  expectRank("the input of selective_scan", x, { rank: 3 });
  const [batch, n, channels] = x.shape;
  expectShape("the steps of selective_scan", delta, x);
  expectRank("the factors a of selective_scan", a, { rank: 2 });
  const states = a.shape[1];
  if (a.shape[0] !== channels || states % 4 !== 0 || states < 4 || states > 16) {
    throw new ShapeError(
      `Cannot use a ${
        formatShape(a.shape)
      } in selective_scan: expected (D, S) = (${channels}, 4, 8, 12 or 16)`,
    );
  }
  expectShape("the input weights b of selective_scan", b, f32(batch, n, states));
  expectShape("the output weights c of selective_scan", c, f32(batch, n, states));
  return [f32(...x.shape), f32(batch, Math.ceil(n / SCAN_CHUNK), channels, states)];
}

function launches({ inputs, attributes }: Site<SelectiveScanAttributes>): readonly Dispatch[] {
  const [{ shape: [batch, , channels] }] = inputs;
  const lanes = 64;
  return scanLaunches({ inputs, attributes }).map((overrides) => ({
    source,
    shader: "selective_scan",
    entryPoint: "forward",
    overrides: { ...overrides, WORKGROUP: lanes },
    bindings: [input(0), input(1), input(2), input(3), input(4), output(1), output(0)],
    workgroups: Math.ceil((batch * channels) / lanes),
  }));
}

const trial = (
  name: string,
  [batch, n, channels, states]: readonly [number, number, number, number],
  discretisation: Discretisation,
): Trial<SelectiveScanAttributes> => ({
  name: `${name}, ${discretisation}`,
  inputs: [
    { type: f32(batch, n, channels), law: "normal" },
    // Steps from 0.001 to 1, so that both branches of phi are taken.
    { type: f32(batch, n, channels), law: (_, u) => 10 ** (3 * u - 3) },
    { type: f32(channels, states), law: (i, u) => -(1 + i % states) * (0.5 + u) },
    { type: f32(batch, n, states), law: "normal" },
    { type: f32(batch, n, states), law: "normal" },
  ],
  attributes: { discretisation },
  tolerance: 5e-6, // exp is good to a few ulp of its argument; factors shrink
  gradientTolerance: 2e-5, // sums over positions and channels
});

export const op: Op<SelectiveScanAttributes> = {
  name: "selective_scan",
  signature: {
    doc: "State-space recurrence whose steps and weights depend on the position",
    inputs: [
      { name: "x", doc: "(B, N, D)" },
      { name: "delta", doc: "steps (B, N, D), > 0", above: 0 },
      { name: "a", doc: "(D, S), < 0; S is 4, 8, 12 or 16" },
      { name: "b", doc: "input weights (B, N, S)" },
      { name: "c", doc: "output weights (B, N, S)" },
    ],
    outputs: [
      { name: "y", doc: "(B, N, D)" },
      { name: "states", doc: "(B, chunks, D, S): state before every 64th position" },
    ],
    params: {
      discretisation: {
        default: "euler",
        choices: ["euler", "zoh"],
        doc: "input weights delta b, or (e^(delta a) - 1) / a b",
      },
    },
  },
  infer,
  vjp: ({ inputs: [x, delta, a, b, c], outputs: [, states], cotangents, attributes, needs }) => {
    const [dy, dstates] = cotangents;
    const found = selectiveScanVjp(
      [x, delta, a, b, c, states, dy ?? fill(x.graph, { shape: x.type.shape, value: 0 })],
      { ...attributes, dstates },
    );
    const summed = (parts: Tensor, axis: number, of: Tensor): Tensor =>
      reshape(sum(parts, { axis }), of.type.shape);
    return [
      needs[0] ? found.dx : stopped,
      needs[1] ? found.ddelta : stopped,
      needs[2] ? summed(found.da, 0, a) : stopped,
      needs[3] ? summed(found.db, 1, b) : stopped,
      needs[4] ? summed(found.dc, 1, c) : stopped,
    ];
  },
  reference: selectiveScanByDefinition,
  keepsF32: true,
  lower: {
    webgpu: (site, _, limits) => launchByBatch(site, { sharedInputs: [2], ...limits }, launches),
  },
  cost: ({ inputs: [{ shape: [batch, n, channels] }, , { shape: [, states] }] }) => ({
    flops: 9 * batch * n * channels * states,
    bytes: 4 * batch * n * (3 * channels + 2 * states),
  }),
  trials: [
    trial("one position", [2, 1, 3, 4], "euler"),
    trial("a prime length", [2, 31, 5, 8], "zoh"),
    trial("a chunk and a position, more channels than a block", [1, 65, 67, 4], "zoh"),
    trial("sixteen states", [1, 11, 2, 16], "euler"),
    trial("twelve states", [1, 7, 2, 12], "zoh"),
  ],
};
