/**
 * ResNet-BK: pre-norm residual blocks of BK-Core token mixing and a mixture-of-experts feed-forward.
 *
 * Sources
 *   [1] The ResNet-BK write-ups (architecture and names).
 *   [2] docs/mathematics.md §3 (potential), §4 and §5 (BK-Core), §6 (mixture of experts).
 * Symbols
 *   x      residual stream (B N, D)
 *   v      potential, one per channel and token: v_max tanh(W_v norm(x) / v_max)
 *   eta    distance of z from the real axis per channel: eta_min + softplus(theta), theta learned
 *   g      causal Green function per channel (B, H, N) complex
 * Departures
 *   The write-ups read the full diagonal of the resolvent, which depends on later tokens; here the core is
 *   causal. They propagate an approximate gradient and none to eta; here it is exact and eta is learned.
 *   They use one channel; here H >= 1. Mixing and feed-forward are two residual steps with a norm each,
 *   experts have no bias, and the top-1 gate is weighted by its probability, so that it learns.
 */
import type { Tensor } from "../graph/tensor.ts";
import { bkMixer } from "../layers/bk_mixer.ts";
import { mixtureOfExperts } from "../layers/mixture_of_experts.ts";
import { rmsNorm } from "../layers/rms_norm.ts";
import { tokenEmbedding } from "../layers/token_embedding.ts";
import { add } from "../ops/add.ts";
import { reshape } from "../ops/reshape.ts";
import type { CommonConfig, Model } from "./model.ts";

/** Configuration of ResNet-BK. */
export interface ResnetBkConfig extends CommonConfig {
  /** H, resolvent channels per block. */
  readonly bkChannels: number;
  /** E, experts per block. */
  readonly numExperts: number;
  /** Experts that each token visits. */
  readonly topK: number;
  /** Bound of the potential. */
  readonly vMax: number;
  /** eta at the start. */
  readonly etaInit: number;
  /** Lower bound of eta. */
  readonly etaMin: number;
}

export const resnetBk: Model<ResnetBkConfig> = {
  source: "ResNet-BK write-ups, causal core",
  causal: true,
  forward: (graph, { config, shape, vocabularySize, tokens }) => {
    const { batch, seqLen } = shape;
    const { dModel: width } = config;
    const residualScale = 1 / Math.sqrt(2 * config.nLayers);
    const { embedded, head } = tokenEmbedding(graph, {
      tokens,
      vocabularySize,
      width,
      tieHead: config.tieHead,
    });
    const diagnostics: Record<string, Tensor> = {};
    let x = embedded; // (B, N, D)
    for (let layer = 0; layer < config.nLayers; layer++) {
      graph.segment(`block${layer}`, () => {
        const mixed = bkMixer(rmsNorm(x, { name: "mixer_norm" }), {
          ...config,
          batch,
          seqLen,
          residualScale,
        });
        x = add(x, mixed.output); // (B, N, D)
        diagnostics[`eta/block${layer}`] = mixed.eta;
        const rows = reshape(rmsNorm(x, { name: "moe_norm" }), [batch * seqLen, width]);
        const moe = mixtureOfExperts(rows, {
          numExperts: config.numExperts,
          topK: config.topK,
          dFf: 2 * width,
          residualScale,
        });
        x = add(x, reshape(moe.output, [batch, seqLen, width])); // (B, N, D)
        diagnostics[`expert_start/block${layer}`] = moe.expertStart;
      });
    }
    const features = reshape(rmsNorm(x, { name: "final_norm" }), [batch * seqLen, width]);
    return { features, head, diagnostics };
  },
};
