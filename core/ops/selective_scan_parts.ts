/** What the selective scan and its gradient share: chunks, launches and the definition in f64. */
import type { Site } from "../graph/op.ts";
import type { TensorType } from "../graph/shape.ts";

/** Input weights: `euler` delta b, `zoh` (e^{delta a} - 1) / a b. */
export type Discretisation = "euler" | "zoh";

/** Positions between two stored states. */
export const SCAN_CHUNK = 64;

/**
 * Chunks that one launch walks. Software adapters built on llvmpipe end an invocation's loops, without a word,
 * after 65,535 rounds in all; the gradient takes three per position and chunk.
 */
const LAUNCH_CHUNKS = 128;

/** Overrides of one launch after the other along the positions, in ascending order. */
export function scanLaunches({ inputs, attributes }: {
  readonly inputs: readonly TensorType[];
  readonly attributes: { readonly discretisation: Discretisation };
}): readonly Readonly<Record<string, number>>[] {
  const [{ shape: [batch, n, channels] }, , { shape: [, states] }] = inputs;
  const chunks = Math.ceil(n / SCAN_CHUNK);
  return Array.from({ length: Math.ceil(chunks / LAUNCH_CHUNKS) }, (_, launch) => ({
    B: batch,
    N: n,
    D: channels,
    QUADS: states / 4,
    CHUNK: SCAN_CHUNK,
    CHUNKS: chunks,
    FIRST_CHUNK: launch * LAUNCH_CHUNKS,
    LAST_CHUNK: Math.min(chunks, (launch + 1) * LAUNCH_CHUNKS),
    IS_ZOH: Number(attributes.discretisation === "zoh"),
  }));
}

interface Values {
  readonly inputs: readonly Float64Array[];
  readonly outputs: readonly Float64Array[];
}

/**
 * h at any position as a sum over all earlier ones, h_{t,s} = sum_{j <= t} e^{a (delta_{j+1} + ... + delta_t)}
 * f_j b_j x_j: one exponential of a sum instead of a product of factors.
 */
export function selectiveScanByDefinition(
  { inputs: types, attributes }: Pick<
    Site<{ discretisation: Discretisation }>,
    "inputs" | "attributes"
  >,
  { inputs: [x, delta, a, b, c], outputs: [y, states] }: Values,
): void {
  const [{ shape: [batch, n, channels] }, , { shape: [, size] }] = types;
  const chunks = Math.ceil(n / SCAN_CHUNK);
  y.fill(0);
  for (let index = 0; index < batch * channels * size; index++) {
    const s = index % size;
    const channel = Math.floor(index / size) % channels;
    const sequence = Math.floor(index / (size * channels));
    const row = (t: number): number => sequence * n + t;
    const rate = a[channel * size + s];
    for (let t = 0; t < n; t++) {
      let [time, h] = [0, 0];
      for (let j = t; j >= 0; j--) {
        const step = delta[row(j) * channels + channel];
        const f = attributes.discretisation === "euler" ? step : Math.expm1(rate * step) / rate;
        h += Math.exp(rate * time) * f * b[row(j) * size + s] * x[row(j) * channels + channel];
        time += step;
      }
      y[row(t) * channels + channel] += c[row(t) * size + s] * h;
      const next = (t + 1) / SCAN_CHUNK;
      if (Number.isInteger(next) && next < chunks) {
        states[((sequence * chunks + next) * channels + channel) * size + s] = h;
      }
    }
    states[(sequence * chunks * channels + channel) * size + s] = 0;
  }
}
