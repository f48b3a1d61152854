/**
 * Resolvent blocks: the shape that modern recurrent blocks share, with the causal resolvent as the recurrence.
 *
 * Sources
 *   [1] docs/mathematics.md §12 (resolvent mixer).
 *   [2] Gu and Dao, "Mamba: linear-time sequence modeling with selective state spaces" (2023), section 3.4: the
 *       shape of the block.
 * Symbols
 *   x  residual stream (B, N, D);  u, s  values and gate (B, N, W), W = 2 D
 *   v  potential and t  bond per head (B, N, H);  y  resolvent of the values, complex
 *   block: x + W_out [(Re y + D_s u) silu(s); Im y silu(s)]
 * Departures
 *   From [2]: the recurrence is complex, one per head, with gate and input scale tied by the pivot.
 */
import { f32 } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { causalConvolution } from "../layers/causal_convolution.ts";
import { etaParameter, learnedEta } from "../layers/learned_eta.ts";
import { linear } from "../layers/linear.ts";
import { resolventStep } from "../layers/resolvent_step.ts";
import { rmsNorm } from "../layers/rms_norm.ts";
import { tokenEmbedding } from "../layers/token_embedding.ts";
import { wardNorm } from "../layers/ward_norm.ts";
import { add } from "../ops/add.ts";
import { concat } from "../ops/concat.ts";
import { fill } from "../ops/fill.ts";
import { matmul } from "../ops/matmul.ts";
import { multiply } from "../ops/multiply.ts";
import { reshape } from "../ops/reshape.ts";
import type { ResolventMixed } from "../ops/resolvent_mixer.ts";
import { silu } from "../ops/silu.ts";
import { slice } from "../ops/slice.ts";
import { softClamp } from "../ops/soft_clamp.ts";
import { softplus } from "../ops/softplus.ts";
import type { CommonConfig, ForwardOptions, Model } from "./model.ts";

/** Configuration of resolvent blocks. */
export interface ResolventBlockConfig extends CommonConfig {
  /** H, heads; divides 2 dModel. */
  readonly nHeads: number;
  /** Bound of the potential. */
  readonly vMax: number;
  /** Lower bound of eta. */
  readonly etaMin: number;
  /** Smallest eta over the heads at the start, which are spaced evenly on a log scale. */
  readonly etaLow: number;
  /** Largest eta over the heads at the start. */
  readonly etaHigh: number;
  /** Whether eta also depends on the token. */
  readonly etaDynamic: boolean;
  /** `ward`: rows of the resolvent are scaled to norm one. */
  readonly mixerNorm: "none" | "ward";
}

/** Taps of the convolution. */
const TAPS = 4;
/** Values per channel of the stream. */
const EXPAND = 2;

export const resolventBlock: Model<ResolventBlockConfig> = {
  source: "Resolvent blocks, docs/mathematics.md §12",
  isCausal: () => true,
  noStream: () => undefined,
  forward: (graph, options) => {
    const { config, shape: { batch, seqLen }, vocabularySize, tokens } = options;
    const { dModel: width, tieHead } = config;
    const embedding = tokenEmbedding(graph, { tokens, vocabularySize, width, tieHead });
    const diagnostics: Record<string, Tensor> = {};
    let x = embedding.embedded; // (B, N, D)
    for (let layer = 0; layer < config.nLayers; layer++) {
      graph.segment(`block${layer}`, () => {
        const mixed = block(rmsNorm(x, { name: "norm" }), options);
        x = add(x, mixed.output); // (B, N, D)
        diagnostics[`eta/block${layer}`] = mixed.eta;
      });
    }
    const features = reshape(rmsNorm(x, { name: "final_norm" }), [batch * seqLen, width]);
    return { features, head: embedding.head, diagnostics };
  },
};

type Options = ForwardOptions<ResolventBlockConfig>;

/** x (B, N, D), normalised → (B, N, D), and eta (H) at a token that adds nothing to it. */
function block(
  x: Tensor,
  { config, purpose }: Options,
): { readonly output: Tensor; readonly eta: Tensor } {
  const { graph } = x;
  const { nHeads: heads, nLayers, mixerNorm } = config;
  const [batch, seqLen, width] = x.type.shape;
  const inner = EXPAND * width;
  const both = linear(x, { name: "in", outputs: 2 * inner, std: 1 / Math.sqrt(width) });
  const values = slice(both, { axis: 2, from: 0, to: inner });
  const gate = silu(slice(both, { axis: 2, from: inner, to: 2 * inner })); // (B, N, W)
  const u = silu(causalConvolution(values, { taps: TAPS, purpose })); // (B, N, W)
  const raw = linear(u, {
    name: "potential",
    outputs: heads,
    std: 1 / Math.sqrt(inner),
    bias: true,
  });
  const v = softClamp(raw, config.vMax); // (B, N, H)
  const t = softplus(projection(u, { name: "bond", outputs: heads, start: Math.log(Math.E - 1) }));
  const { eta, atRest } = etaOf(u, config);
  const lambda = fill(graph, { shape: [1], value: 0 });
  // Bonds are learned without a bound, so that no chunk may start early from nothing.
  const bounds = { etaMin: config.etaMin, tMax: Infinity };
  const mixed = resolventStep({ x: u, v, t, eta, lambda }, { a: -2, bounds, purpose });
  probeBlock({ v, t, eta, mixed });
  const { re, im } = mixerNorm === "ward" ? wardNorm(mixed, { eta }) : mixed;
  const skip = graph.parameter("skip", {
    type: f32(inner),
    initial: { kind: "constant", value: 1 },
    decay: false,
  });
  const read = concat([multiply(add(re, multiply(skip, u)), gate), multiply(im, gate)], {
    axis: 2,
  }); // (B, N, 2 W)
  const output = linear(read, {
    name: "out",
    outputs: width,
    std: 1 / Math.sqrt(2 * inner * nLayers),
  });
  return { output: reshape(output, [batch, seqLen, width]), eta: atRest };
}

/** What can be drawn of a block. */
function probeBlock({ v, t, eta, mixed }: {
  readonly v: Tensor;
  readonly t: Tensor;
  readonly eta: Tensor;
  readonly mixed: ResolventMixed;
}): void {
  const { graph } = v;
  const perToken = ["batch", "token", "head"] as const;
  graph.probe("potential", v, perToken);
  graph.probe("green_re", mixed.gRe, perToken);
  graph.probe("green_im", mixed.gIm, perToken);
  graph.probe("bond", t, perToken);
  graph.probe("eta", eta, eta.type.shape.length === 1 ? ["head"] : perToken);
}

/** eta per head, (H), or per token, (B, N, H), around it. */
function etaOf(
  u: Tensor,
  { nHeads: heads, etaMin, etaLow, etaHigh, etaDynamic }: ResolventBlockConfig,
): { readonly eta: Tensor; readonly atRest: Tensor } {
  const { graph } = u;
  const initial = Array.from(
    { length: heads },
    (_, head) => etaLow * (etaHigh / etaLow) ** (heads === 1 ? 1 : head / (heads - 1)),
  );
  if (!etaDynamic) {
    const eta = learnedEta(graph, { initial, etaMin });
    return { eta, atRest: eta };
  }
  const theta = etaParameter(graph, { initial, etaMin });
  const floor = fill(graph, { shape: [], value: etaMin });
  const moved = add(weighted(u, { name: "eta", outputs: heads }), theta); // (B, N, H)
  return { eta: add(softplus(moved), floor), atRest: add(softplus(theta), floor) };
}

/** x (B, N, W) → x W + b with W zero at the start and b = start, so that all tokens begin alike. */
function projection(x: Tensor, options: {
  readonly name: string;
  readonly outputs: number;
  readonly start: number;
}): Tensor {
  const { name, outputs, start } = options;
  const bias = x.graph.scope(name, () =>
    x.graph.parameter("bias", {
      type: f32(outputs),
      initial: { kind: "constant", value: start },
      decay: false,
    }));
  return add(weighted(x, { name, outputs }), bias);
}

/** x (B, N, W) → x W, W (W, outputs) zero at the start. */
function weighted(
  x: Tensor,
  { name, outputs }: { readonly name: string; readonly outputs: number },
): Tensor {
  const [batch, seqLen, width] = x.type.shape;
  const weight = x.graph.scope(name, () =>
    x.graph.parameter("weight", {
      type: f32(width, outputs),
      initial: { kind: "constant", value: 0 },
      decay: true,
    }));
  return reshape(matmul(reshape(x, [batch * seqLen, width]), weight), [batch, seqLen, outputs]);
}
