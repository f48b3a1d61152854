/** Backward pass of selective_scan; symbols as there. */
import source from "../../shaders/selective_scan.wgsl" with { type: "text" };
import {
  type Attributes,
  type Dispatch,
  input,
  type Op,
  output,
  scratch,
  type Site,
  type Trial,
} from "../graph/op.ts";
import { f32, sizeOf, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { dispatchThreads } from "./dispatch_threads.ts";
import { fill } from "./fill.ts";
import { launchByBatch } from "./launch_by_batch.ts";
import { type Discretisation, SCAN_CHUNK, scanLaunches } from "./selective_scan_parts.ts";

export interface SelectiveScanVjpAttributes extends Attributes {
  readonly discretisation: Discretisation;
  /** Whether the last input holds a cotangent of the stored states, and not one unused value. */
  readonly has_dstates: boolean;
}

/** Gradients, those of shared operands in parts that the caller sums. */
export interface SelectiveScanGradients {
  /** (B, N, D). */
  readonly dx: Tensor;
  readonly ddelta: Tensor;
  /** (B, D, S). */
  readonly da: Tensor;
  /** (B, blocks, N, S). */
  readonly db: Tensor;
  readonly dc: Tensor;
}

/** inputs: x, delta, a, b, c and states as in selective_scan, dy (B, N, D), and the states' cotangent if any. */
export function selectiveScanVjp(
  inputs: readonly Tensor[],
  options: { readonly discretisation: Discretisation; readonly dstates?: Tensor | undefined },
): SelectiveScanGradients {
  const { discretisation, dstates } = options;
  const last = dstates ?? fill(inputs[0].graph, { shape: [1], value: 0 });
  const [dx, ddelta, da, db, dc] = applyAll(op, [...inputs, last], {
    discretisation,
    has_dstates: dstates !== undefined,
  });
  return { dx, ddelta, da, db, dc };
}

/** Channels per partial sum of db and dc, the lanes of a workgroup. */
const BLOCK = 64;

function infer([x, , a]: readonly TensorType[]): readonly TensorType[] {
  const [batch, n, channels] = x.shape;
  const states = a.shape[1];
  const parts = f32(batch, Math.ceil(channels / BLOCK), n, states);
  return [f32(...x.shape), f32(...x.shape), f32(batch, channels, states), parts, parts];
}

/**
 * From y_t = sum over j <= t and s of c_{t,s} E_{tj} f_j b_{j,s} x_j, E_{tj} = e^{a (delta_{j+1} + ... + delta_t)}:
 * the derivative of every term by every operand, added up.
 */
function reference(
  { inputs: types, attributes }: Site<SelectiveScanVjpAttributes>,
  { inputs: [x, delta, a, b, c, , dy, dstates], outputs }: {
    readonly inputs: readonly Float64Array[];
    readonly outputs: readonly Float64Array[];
  },
): void {
  const [{ shape: [batch, n, channels] }, , { shape: [, size] }] = types;
  const [dx, ddelta, da, db, dc] = outputs;
  const blocks = Math.ceil(channels / BLOCK);
  const chunks = Math.ceil(n / SCAN_CHUNK);
  const isEuler = attributes.discretisation === "euler";
  for (const output of outputs) output.fill(0);
  for (let index = 0; index < batch * channels * size; index++) {
    const s = index % size;
    const channel = Math.floor(index / size) % channels;
    const sequence = Math.floor(index / (size * channels));
    const block = Math.floor(channel / BLOCK);
    const cell = (t: number): number => (sequence * n + t) * channels + channel;
    const weight = (t: number): number => (sequence * n + t) * size + s;
    const part = (t: number): number => ((sequence * blocks + block) * n + t) * size + s;
    const rate = a[channel * size + s];
    // Cotangent of h_t: through y_t, and directly where h_t is stored.
    const outerAt = (t: number): number => {
      const chunk = (t + 1) / SCAN_CHUNK;
      const isStored = attributes.has_dstates && Number.isInteger(chunk) && t + 1 < n;
      const stored = ((sequence * chunks + chunk) * channels + channel) * size + s;
      return dy[cell(t)] * c[weight(t)] + (isStored ? dstates[stored] : 0);
    };
    for (let t = 0; t < n; t++) {
      const outer = outerAt(t);
      let time = 0;
      let later = 0; // derivative by delta_{j+1}, which all terms from j down share
      const gains: number[] = [];
      for (let j = t; j >= 0; j--) {
        const step = delta[cell(j)];
        const decay = Math.exp(rate * time);
        const f = isEuler ? step : Math.expm1(rate * step) / rate;
        const byStep = isEuler ? 1 : Math.exp(rate * step);
        const byRate = isEuler ? 0 : (step * Math.exp(rate * step) - f) / rate;
        const inner = b[weight(j)] * x[cell(j)];
        dc[part(t)] += dy[cell(t)] * decay * f * inner;
        db[part(j)] += outer * decay * f * x[cell(j)];
        dx[cell(j)] += outer * decay * f * b[weight(j)];
        ddelta[cell(j)] += outer * decay * byStep * inner;
        da[(sequence * channels + channel) * size + s] += outer * decay * inner *
          (byRate + time * f);
        gains.push(outer * decay * f * inner * rate);
        time += step;
      }
      // delta_k stands in E_{tj} for every j < k <= t.
      for (let k = 0; k <= t; k++) {
        ddelta[cell(k)] += later;
        later += gains[t - k];
      }
    }
  }
}

/** Scratch: cells (x, delta, dy) and their gradients; db and dc; states of a chunk, l and da. */
function workspace(
  { inputs: [{ shape: [batch, n, channels] }, , { shape: [, states] }] }: Pick<Site, "inputs">,
): readonly TensorType[] {
  const parts = batch * Math.ceil(channels / BLOCK) * n * states;
  return [
    f32(batch, n, channels, 4),
    f32(2 * parts),
    f32((SCAN_CHUNK + 2) * batch * channels * states),
  ];
}

/** Reads every STRIDE-th value of a scratch tensor into an output. */
function unpack(site: Site<SelectiveScanVjpAttributes>, copied: {
  readonly index: number;
  readonly to: number;
  readonly first: number;
  readonly stride: number;
}): Dispatch {
  return dispatchThreads({
    source,
    shader: "selective_scan",
    entryPoint: "unpack",
    threads: sizeOf(site.outputs[copied.to].shape),
    overrides: { FIRST: copied.first, STRIDE: copied.stride },
    bindings: [scratch(copied.index), output(copied.to)],
  });
}

function launches(site: Site<SelectiveScanVjpAttributes>): readonly Dispatch[] {
  const { inputs, attributes, outputs } = site;
  const [{ shape: [batch, , channels] }, , { shape: [, states] }] = inputs;
  const walks = scanLaunches({ inputs, attributes }).toReversed().map((overrides): Dispatch => ({
    source,
    shader: "selective_scan",
    entryPoint: "backward",
    overrides: { ...overrides, HAS_DSTATES: Number(attributes.has_dstates) },
    bindings: [
      ...[scratch(0), input(7), input(2), input(3), input(4), input(5)],
      ...[scratch(2), scratch(1)],
    ],
    workgroups: batch * Math.ceil(channels / BLOCK),
  }));
  return [
    dispatchThreads({
      source,
      shader: "selective_scan",
      entryPoint: "pack",
      threads: sizeOf(inputs[0].shape),
      bindings: [input(0), input(1), input(6), scratch(0)],
    }),
    ...walks,
    unpack(site, { index: 0, to: 0, first: 0, stride: 4 }),
    unpack(site, { index: 0, to: 1, first: 1, stride: 4 }),
    unpack(site, {
      index: 2,
      to: 2,
      first: (SCAN_CHUNK + 1) * batch * channels * states,
      stride: 1,
    }),
    unpack(site, { index: 1, to: 3, first: 0, stride: 1 }),
    unpack(site, { index: 1, to: 4, first: sizeOf(outputs[3].shape), stride: 1 }),
  ];
}

const trial = (
  name: string,
  [batch, n, channels, states]: readonly [number, number, number, number],
  discretisation: Discretisation,
): Trial<SelectiveScanVjpAttributes> => ({
  name: `${name}, ${discretisation}`,
  inputs: [
    { type: f32(batch, n, channels), law: "normal" },
    { type: f32(batch, n, channels), law: (_, u) => 10 ** (3 * u - 3) },
    { type: f32(channels, states), law: (i, u) => -(1 + i % states) * (0.5 + u) },
    { type: f32(batch, n, states), law: "normal" },
    { type: f32(batch, n, states), law: "normal" },
    // One chunk: its state is that before the first position.
    { type: f32(batch, 1, channels, states), law: () => 0 },
    { type: f32(batch, n, channels), law: "normal" },
    { type: f32(1), law: [0] },
  ],
  attributes: { discretisation, has_dstates: false },
  tolerance: 2e-5, // sums over positions and channels
  gradientTolerance: false,
});

export const op: Op<SelectiveScanVjpAttributes> = {
  name: "selective_scan_vjp",
  signature: {
    doc: "Backward pass of selective_scan",
    inputs: [
      { name: "x", doc: "(B, N, D)" },
      { name: "delta", doc: "(B, N, D)" },
      { name: "a", doc: "(D, S)" },
      { name: "b", doc: "(B, N, S)" },
      { name: "c", doc: "(B, N, S)" },
      { name: "states", doc: "second output of selective_scan" },
      { name: "dy", doc: "cotangent of y (B, N, D)" },
      { name: "dstates", doc: "cotangent of states, or (1) if there is none" },
    ],
    outputs: [
      { name: "dx", doc: "(B, N, D)" },
      { name: "ddelta", doc: "(B, N, D)" },
      { name: "da", doc: "(B, D, S), per sequence" },
      { name: "db", doc: "(B, blocks, N, S), per 64 channels" },
      { name: "dc", doc: "(B, blocks, N, S), per 64 channels" },
    ],
    params: {
      discretisation: { default: "euler", choices: ["euler", "zoh"], doc: "as in selective_scan" },
      has_dstates: { default: false, doc: "whether dstates is a cotangent" },
    },
  },
  infer,
  reference,
  scratch: workspace,
  lower: {
    webgpu: (site, _, limits) => {
      const sharedInputs = site.attributes.has_dstates ? [2] : [2, 7];
      return launchByBatch(site, { sharedInputs, scratch: workspace(site), ...limits }, launches);
    },
  },
  cost: ({ inputs: [{ shape: [batch, n, channels] }, , { shape: [, states] }] }) => ({
    flops: 30 * batch * n * channels * states,
    bytes: 4 * batch * n * (5 * channels + 4 * states),
  }),
  trials: [
    trial("a prime length", [2, 31, 5, 8], "euler"),
    trial("more channels than a block", [1, 3, 67, 4], "zoh"),
  ],
};
