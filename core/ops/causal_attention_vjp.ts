/**
 * Cotangents of queries, keys and values of `causal_attention`, without a tensor of size length².
 *
 * Source: Dao et al., "FlashAttention" (2022), appendix B.2, steps 2 to 4: with p_ij = exp(s_ij - logsumexp_i),
 * dv_j = Σ_i p_ij dout_i and ds_ij = p_ij (dout_i · v_j - delta_i).
 * Departure: delta_i = dout_i · out_i - dlogsumexp_i comes in from outside, which also covers a cotangent of
 * the log-sum-exp. Queries and keys have a kernel each, so that no sum needs atomics.
 */
import { type Attributes, input, type Op, output, type Trial } from "../graph/op.ts";
import { expectShape, f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { applyAll } from "../graph/trace.ts";
import { dispatchAttention, expectHeads } from "./causal_attention.ts";
import { launchByBatch } from "./launch_by_batch.ts";

export interface CausalAttentionVjpAttributes extends Attributes {
  readonly heads: number;
}

/** q, k, v, dout (batch, length, channels), logsumexp, delta (batch, length, heads) → dq, dk, dv. */
export function causalAttentionVjp(
  site: {
    readonly q: Tensor;
    readonly k: Tensor;
    readonly v: Tensor;
    readonly logsumexp: Tensor;
    readonly delta: Tensor;
    readonly dout: Tensor;
  },
  options: { readonly heads: number },
): readonly Tensor[] {
  const { q, k, v, logsumexp, delta, dout } = site;
  return applyAll(op, [q, k, v, logsumexp, delta, dout], { heads: options.heads });
}

const trial = (
  name: string,
  [batch, length, heads, width]: readonly [number, number, number, number],
): Trial<CausalAttentionVjpAttributes> => ({
  name,
  inputs: [
    { type: f32(batch, length, heads * width), law: "normal" },
    { type: f32(batch, length, heads * width), law: "normal" },
    { type: f32(batch, length, heads * width), law: "awkward" },
    // Near the log-sum-exp of standard normal scores, so that the weights are of ordinary size.
    { type: f32(batch, length, heads), law: (_, draw) => 2 + 3 * draw },
    { type: f32(batch, length, heads), law: "normal" },
    { type: f32(batch, length, heads * width), law: "awkward" },
  ],
  attributes: { heads },
  tolerance: 5e-5, // differences of products that nearly cancel, scores in the exponent
  gradientTolerance: false,
});

export const op: Op<CausalAttentionVjpAttributes> = {
  name: "causal_attention_vjp",
  signature: {
    doc: "Cotangents of queries, keys and values of causal_attention",
    inputs: [
      { name: "q", doc: "(batch, length, heads · width), queries" },
      { name: "k", doc: "(batch, length, heads · width), keys" },
      { name: "v", doc: "(batch, length, heads · width), values" },
      { name: "logsumexp", doc: "(batch, length, heads), of the scores of each query" },
      { name: "delta", doc: "(batch, length, heads), dout · out less the cotangent of logsumexp" },
      { name: "dout", doc: "(batch, length, heads · width), cotangent of the output" },
    ],
    outputs: [
      { name: "dq", doc: "(batch, length, heads · width)" },
      { name: "dk", doc: "(batch, length, heads · width)" },
      { name: "dv", doc: "(batch, length, heads · width)" },
    ],
    params: { heads: { doc: "number of heads" } },
  },
  infer: ([q, k, v, logsumexp, delta, dout], { heads }) => {
    expectHeads(q, heads);
    const rows = f32(q.shape[0], q.shape[1], heads);
    expectShape("the keys of an attention", k, q);
    expectShape("the values of an attention", v, q);
    expectShape("the log-sum-exp of an attention", logsumexp, rows);
    expectShape("the row sums of an attention's cotangent", delta, rows);
    expectShape("the cotangent of an attention", dout, q);
    return [f32(...q.shape), f32(...q.shape), f32(...q.shape)];
  },
  reference: ({ inputs: [type], attributes: { heads } }, values) => {
    const [q, k, v, logsumexp, delta, dout] = values.inputs;
    const [dq, dk, dv] = values.outputs;
    const [batch, length, channels] = type.shape;
    const width = channels / heads;
    for (let row = 0; row < batch * length * heads; row++) {
      const h = row % heads;
      const i = Math.floor(row / heads) % length;
      const b = Math.floor(row / (heads * length));
      const at = (j: number): number => (b * length + j) * channels + h * width;
      for (let j = 0; j <= i; j++) {
        let score = 0;
        let dp = 0;
        for (let c = 0; c < width; c++) {
          score += q[at(i) + c] * k[at(j) + c] / Math.sqrt(width);
          dp += dout[at(i) + c] * v[at(j) + c];
        }
        const p = Math.exp(score - logsumexp[row]);
        const ds = p * (dp - delta[row]) / Math.sqrt(width);
        for (let c = 0; c < width; c++) {
          dq[at(i) + c] += ds * k[at(j) + c];
          dk[at(j) + c] += ds * q[at(i) + c];
          dv[at(j) + c] += p * dout[at(i) + c];
        }
      }
    }
  },
  lower: {
    webgpu: (site, preset, limits = {}) => {
      const read = [0, 1, 2, 3, 4, 5].map(input);
      return launchByBatch(site, limits, ({ inputs: [q], attributes: { heads } }) => [
        dispatchAttention(q, {
          heads,
          preset,
          entryPoint: "backward_q",
          bindings: [...read, output(0)],
        }),
        dispatchAttention(q, {
          heads,
          preset,
          entryPoint: "backward_kv",
          bindings: [...read, output(1), output(2)],
        }),
      ]);
    },
  },
  rounds: ({ inputs: [q], attributes: { heads } }) => q.shape[1] * (2 + q.shape[2] / heads / 2),
  cost: ({ inputs: [q], attributes: { heads } }) => {
    const [batch, length, channels] = q.shape;
    return {
      // Three products for dq and four for dk and dv, for half of the pairs of positions.
      flops: 7 * batch * length * (length + 1) * channels,
      bytes: 4 * batch * length * (7 * channels + 2 * heads),
    };
  },
  trials: [
    trial("one position", [1, 1, 1, 4]),
    trial("primes", [3, 13, 5, 12]),
    trial("a workgroup and one position more", [1, 65, 2, 16]),
    trial("several workgroups", [2, 131, 2, 4]),
    trial("a wide head", [1, 17, 1, 64]),
  ],
};
