/**
 * A language model around a sequence mixer of the user's own: pre-norm blocks of the mixer and a GELU feed-forward.
 *
 * Sources
 *   [1] Radford et al., "Language models are unsupervised multitask learners" (2019), section 2.3: norms before each
 *       sub-block, residual projections scaled by depth.
 * Symbols
 *   x  residual stream (B, N, D)
 *   block: x + mixer(norm x), then x + MLP(norm x)
 * Departures
 *   From [1]: RMS norm, no biases, and no position embedding: order is the mixer's to see.
 */
import { ShapeError } from "../errors.ts";
import { formatShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { feedForward } from "../layers/feed_forward.ts";
import { rmsNorm } from "../layers/rms_norm.ts";
import { tokenEmbedding } from "../layers/token_embedding.ts";
import { add } from "../ops/add.ts";
import { reshape } from "../ops/reshape.ts";
import { loadedMixer, type ModuleReference } from "./loaded_mixers.ts";
import type { CommonConfig, Model } from "./model.ts";
import type { SequenceMixer, SequenceMixerOptions } from "./sequence_mixer.ts";

/** Configuration of a model around a mixer from a module. */
export interface ModuleConfig extends CommonConfig {
  /** The module that exports the mixer. */
  readonly module: ModuleReference;
}

export const moduleModel: Model<ModuleConfig> = {
  source: "Pre-norm blocks around a mixer of the user's own",
  // A campaign checks this before it trains, and refuses a mixer that leaks.
  isCausal: () => true,
  noStream: ({ module }) =>
    loadedMixer(module).streams
      ? undefined
      : `the mixer of "${module.path}" does not say "streams"`,
  forward: (graph, { config, shape: { batch, seqLen }, vocabularySize, tokens, purpose }) => {
    const { dModel: width, nLayers, tieHead } = config;
    const mixer = loadedMixer(config.module);
    const residualScale = 1 / Math.sqrt(2 * nLayers);
    const { embedded, head } = tokenEmbedding(graph, { tokens, vocabularySize, width, tieHead });
    let x = embedded; // (B, N, D)
    for (let layer = 0; layer < nLayers; layer++) {
      graph.segment(`block${layer}`, () => {
        const normed = rmsNorm(x, { name: "mixer_norm" });
        const mixed = graph.scope("mixer", () => mix(normed, { mixer, purpose, residualScale }));
        x = add(x, mixed); // (B, N, D)
        x = add(x, feedForward(rmsNorm(x, { name: "mlp_norm" }), { residualScale }));
      });
    }
    const features = reshape(rmsNorm(x, { name: "final_norm" }), [batch * seqLen, width]);
    return { features, head, diagnostics: {} };
  },
};

/** x (B, N, D) → (B, N, D). @throws {ShapeError} If the mixer gives anything else */
function mix(
  x: Tensor,
  { mixer, ...options }: SequenceMixerOptions & { readonly mixer: SequenceMixer },
): Tensor {
  // A mixer in plain JavaScript may return anything.
  const mixed: Tensor | undefined = mixer.forward(x, options);
  if (mixed?.graph === x.graph && typeText(mixed) === typeText(x)) return mixed;
  const got = mixed?.graph === x.graph ? typeText(mixed) : "no tensor of the trace";
  throw new ShapeError(
    `Cannot add what the mixer returns to the residual stream: expected ${
      typeText(x)
    } as its input, got ${got}`,
  );
}

function typeText({ type: { dtype, shape } }: Tensor): string {
  return `${dtype} ${formatShape(shape)}`;
}
