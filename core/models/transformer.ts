/**
 * Transformer control: pre-norm blocks of causal attention and a GELU feed-forward.
 *
 * Sources
 *   [1] Vaswani et al., "Attention is all you need" (2017), sections 3.2 and 3.3.
 *   [2] Radford et al., "Language models are unsupervised multitask learners" (2019), section 2.3:
 *       norms before each sub-block, residual projections scaled by depth.
 *   [3] docs/mathematics.md §7.
 * Symbols
 *   x  residual stream (B N, D);  q, k, v  queries, keys and values (B, N, D), heads side by side
 * Departures
 *   RMS norm instead of layer norm and no biases, so that both arms share their norm and differ in
 *   mixing and feed-forward alone. Learned positions, as in [2].
 */
import { add } from "../ops/add.ts";
import { causalAttention } from "../ops/causal_attention.ts";
import { reshape } from "../ops/reshape.ts";
import { feedForward } from "../layers/feed_forward.ts";
import { linear } from "../layers/linear.ts";
import { rmsNorm } from "../layers/rms_norm.ts";
import { positionEmbedding } from "../layers/position_embedding.ts";
import { tokenEmbedding } from "../layers/token_embedding.ts";
import type { CommonConfig, Model } from "./model.ts";

/** Configuration of the transformer. */
export interface TransformerConfig extends CommonConfig {
  /** Attention heads per block; divides dModel. */
  readonly nHeads: number;
}

export const transformer: Model<TransformerConfig> = {
  source: "Pre-norm transformer with learned positions",
  isCausal: () => true,
  noStream: () => "attention reads all earlier tokens, so its state grows with the sequence",
  forward: (graph, { config, shape, vocabularySize, tokens }) => {
    const { batch, seqLen } = shape;
    const { dModel: width } = config;
    const rows = batch * seqLen;
    const inner = 1 / Math.sqrt(width);
    const residualScale = 1 / Math.sqrt(2 * config.nLayers);
    const { embedded, head } = tokenEmbedding(graph, {
      tokens,
      vocabularySize,
      width,
      tieHead: config.tieHead,
    });
    let x = positionEmbedding(embedded); // (B, N, D)
    for (let layer = 0; layer < config.nLayers; layer++) {
      graph.segment(`block${layer}`, () => {
        const normed = reshape(rmsNorm(x, { name: "attention_norm" }), [rows, width]);
        const [q, k, v] = ["query", "key", "value"].map((name) =>
          reshape(linear(normed, { name, outputs: width, std: inner }), [batch, seqLen, width])
        );
        const mixed = reshape(causalAttention({ q, k, v }, { heads: config.nHeads }), [
          rows,
          width,
        ]);
        const projected = linear(mixed, {
          name: "output",
          outputs: width,
          std: inner * residualScale,
        });
        x = add(x, reshape(projected, [batch, seqLen, width])); // (B, N, D)
        x = add(x, feedForward(rmsNorm(x, { name: "mlp_norm" }), { residualScale })); // (B, N, D)
      });
    }
    const features = reshape(rmsNorm(x, { name: "final_norm" }), [rows, width]);
    return { features, head, diagnostics: {} };
  },
};
