/**
 * Multi-head attention in which a position sees itself and earlier ones.
 *
 * Sources:
 *  [1] Vaswani et al., "Attention is all you need" (2017), section 3.2
 *  [2] Milakov and Gimelshein, "Online normalizer calculation for softmax" (2018), algorithm 3
 *  [3] Dao et al., "FlashAttention" (2022), appendix B.2 (the backward pass from the log-sum-exp)
 * Symbols: q, k, v as in [1]; p_ij = weight of key j for query i; heads lie side by side in the channels,
 * channel = head · width + c.
 * Departures: keys are read in blocks of 8 by one invocation per query, not staged in workgroup memory. Both
 * presets run the same kernels; they differ in the workgroup's size, which changes no bits.
 */
import source from "../../shaders/causal_attention.wgsl" with { type: "text" };
import { ShapeError } from "../errors.ts";
import {
  type Attributes,
  type Binding,
  type Dispatch,
  input,
  type Op,
  output,
  type Preset,
  stopped,
  type Trial,
} from "../graph/op.ts";
import { expectRank, expectShape, f32, formatShape, type TensorType } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { add } from "./add.ts";
import { causalAttentionVjp } from "./causal_attention_vjp.ts";
import { fill } from "./fill.ts";
import { launchByBatch } from "./launch_by_batch.ts";
import { multiply } from "./multiply.ts";
import { reshape } from "./reshape.ts";
import { scale } from "./scale.ts";
import { sum } from "./sum.ts";

export interface CausalAttentionAttributes extends Attributes {
  readonly heads: number;
}

/**
 * q, k, v (batch, length, heads · width) → (batch, length, heads · width):
 * out_i = Σ_{j ≤ i} softmax_j(q_i · k_j / √width) v_j in each head. Equations (1) of [1].
 *
 * @throws {ShapeError} Unless the shapes agree and width is a multiple of 4, at most 128
 */
export function causalAttention(
  rows: { readonly q: Tensor; readonly k: Tensor; readonly v: Tensor },
  options: { readonly heads: number },
): Tensor {
  return applyAll(op, [rows.q, rows.k, rows.v], { heads: options.heads })[0];
}

/** Channels a kernel can hold in registers. */
const MOST_CHANNELS = 128;
const WORKGROUP: Readonly<Record<Preset, number>> = { "software-adapter": 32, gpu: 64 };

/** @throws {ShapeError} Unless the channels of `type` (batch, length, channels) split into such heads */
export function expectHeads(type: TensorType, heads: number): void {
  expectRank("the queries of an attention", type, { rank: 3 });
  const width = type.shape[2] / heads;
  if (!Number.isInteger(heads) || heads < 1 || width % 4 !== 0 || !(width <= MOST_CHANNELS)) {
    throw new ShapeError(
      `Cannot split ${formatShape(type.shape)} into ${heads} heads: ` +
        `the channels of a head must be a multiple of 4, at most ${MOST_CHANNELS}, got ${width}`,
    );
  }
}

/** One launch of an entry point of the attention shader: an invocation per batch, head and two positions. */
export function dispatchAttention(
  type: TensorType,
  options: {
    readonly entryPoint: string;
    readonly heads: number;
    readonly preset: Preset;
    readonly bindings: readonly Binding[];
  },
): Dispatch {
  const [batch, length, channels] = type.shape;
  const { entryPoint, heads, preset, bindings } = options;
  const width = channels / heads;
  return {
    // WGSL needs constant sizes for arrays in registers, so this one number goes into the text.
    source: source.replace("const MOST_QUADS = 32u;", `const MOST_QUADS = ${width / 4}u;`),
    shader: "causal_attention",
    entryPoint,
    overrides: {
      BATCH: batch,
      LENGTH: length,
      HEADS: heads,
      QUADS: width / 4,
      SCALE: 1 / Math.sqrt(width),
      WORKGROUP: WORKGROUP[preset],
    },
    bindings,
    workgroups: batch * heads * Math.ceil(length / (2 * WORKGROUP[preset])),
  };
}

const trial = (
  name: string,
  [batch, length, heads, width]: readonly [number, number, number, number],
): Trial<CausalAttentionAttributes> => ({
  name,
  inputs: [
    { type: f32(batch, length, heads * width), law: "awkward" },
    { type: f32(batch, length, heads * width), law: "normal" },
    { type: f32(batch, length, heads * width), law: "awkward" },
  ],
  attributes: { heads },
  tolerance: 1e-5, // scores up to 100 carry an error of 1e-6 of their size into the exponent
  gradientTolerance: 5e-5, // the same, and differences of products that nearly cancel
});

export const op: Op<CausalAttentionAttributes> = {
  name: "causal_attention",
  signature: {
    doc: "Multi-head softmax attention over earlier positions and the own one",
    inputs: [
      { name: "q", doc: "(batch, length, heads · width), queries" },
      { name: "k", doc: "(batch, length, heads · width), keys" },
      { name: "v", doc: "(batch, length, heads · width), values" },
    ],
    outputs: [
      { name: "out", doc: "(batch, length, heads · width)" },
      { name: "logsumexp", doc: "(batch, length, heads), of the scores of each query" },
    ],
    params: { heads: { doc: "number of heads; width is a multiple of 4, at most 128" } },
  },
  infer: ([q, k, v], { heads }) => {
    expectHeads(q, heads);
    expectShape("the keys of an attention", k, q);
    expectShape("the values of an attention", v, q);
    return [f32(...q.shape), f32(q.shape[0], q.shape[1], heads)];
  },
  vjp: ({ inputs: [q, k, v], outputs: [out, logsumexp], cotangents, needs, attributes }) => {
    const [batch, length, channels] = q.type.shape;
    const { heads } = attributes;
    const dout = cotangents[0] ?? fill(q.graph, { shape: q.type.shape, value: 0 });
    // delta_i = dout_i · out_i - dlogsumexp_i; the second term is absent in ordinary training.
    const products = reshape(multiply(dout, out), [batch, length, heads, channels / heads]);
    const rows = reshape(sum(products, { axis: 3 }), logsumexp.type.shape);
    const delta = cotangents[1] ? add(rows, scale(cotangents[1], -1)) : rows;
    const found = causalAttentionVjp({ q, k, v, logsumexp, delta, dout }, { heads });
    return found.map((gradient, index) => needs[index] ? gradient : stopped);
  },
  reference: ({ inputs: [type], attributes: { heads } }, { inputs: [q, k, v], outputs }) => {
    const [batch, length, channels] = type.shape;
    const width = channels / heads;
    for (let row = 0; row < batch * length * heads; row++) {
      const h = row % heads;
      const i = Math.floor(row / heads) % length;
      const b = Math.floor(row / (heads * length));
      const at = (j: number, c: number): number => (b * length + j) * channels + h * width + c;
      const scores = Array.from({ length: i + 1 }, (_, j) => {
        let score = 0;
        for (let c = 0; c < width; c++) score += q[at(i, c)] * k[at(j, c)];
        return score / Math.sqrt(width);
      });
      const top = Math.max(...scores);
      const weights = scores.map((score) => Math.exp(score - top));
      const total = weights.reduce((a, b) => a + b, 0);
      outputs[1][row] = top + Math.log(total);
      for (let c = 0; c < width; c++) {
        outputs[0][at(i, c)] = weights.reduce((a, p, j) => a + p / total * v[at(j, c)], 0);
      }
    }
  },
  lower: {
    webgpu: (site, preset, limits = {}) =>
      launchByBatch(site, limits, ({ inputs: [q], attributes: { heads } }) => [
        dispatchAttention(q, {
          entryPoint: "forward",
          heads,
          preset,
          bindings: [input(0), input(1), input(2), output(0), output(1)],
        }),
      ]),
  },
  rounds: ({ inputs: [q], attributes: { heads } }) => q.shape[1] * (2 + q.shape[2] / heads / 2),
  cost: ({ inputs: [q], attributes: { heads } }) => {
    const [batch, length, channels] = q.shape;
    return {
      // Two products of two rows for each pair of positions, half of which are masked.
      flops: 2 * batch * length * (length + 1) * channels,
      bytes: 4 * batch * length * (4 * channels + heads),
    };
  },
  trials: [
    trial("one position", [1, 1, 1, 4]),
    trial("primes", [3, 13, 5, 12]),
    trial("one position less than a block of keys", [2, 7, 1, 8]),
    trial("a workgroup and one position more", [1, 65, 2, 16]),
    trial("several workgroups", [2, 131, 2, 4]),
    // Its backward kernels take software adapters seconds to compile; width 64 stands for them.
    { ...trial("the widest head", [1, 17, 1, 128]), gradientTolerance: false },
  ],
};
