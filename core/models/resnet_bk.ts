/**
 * ResNet-BK: pre-norm blocks of token mixing by a resolvent and a mixture-of-experts feed-forward.
 *
 * Sources
 *   [1] The ResNet-BK write-ups (architecture and names).
 *   [2] docs/mathematics.md §3 (potential), §4 and §5 (BK-Core), §6 (mixture of experts), §12 (resolvent mixer).
 * Symbols
 *   x      residual stream (B N, D)
 *   v      potential, one per channel and token: v_max tanh(W_v norm(x) / v_max)
 *   eta    distance of z from the real axis per channel: epsilon (eta_min + softplus(theta)), theta learned
 *   epsilon  1, or a scheduled function of the number of updates; not the setting `epsilon` of prime bumps
 *   g      Green function per channel (B, H, N) complex
 * Departures
 *   The write-ups read the full diagonal of the resolvent, which depends on later tokens; here the core is
 *   causal unless the configuration asks for theirs. They propagate an approximate gradient and none to eta; here
 *   it is exact and eta is learned. They use one channel; here H >= 1. Mixing and feed-forward are two residual
 *   steps with a norm each, experts have no bias, and the top-1 gate is weighted by its probability, so that it
 *   learns.
 */
import type { Tensor } from "../graph/tensor.ts";
import { bkMixer, type Mixed } from "../layers/bk_mixer.ts";
import type { BkCoreSettings } from "../layers/green_operands.ts";
import { mixtureOfExperts, type MixtureOfExpertsOptions } from "../layers/mixture_of_experts.ts";
import type { Purpose } from "../layers/purpose.ts";
import { resolventValueMixer } from "../layers/resolvent_mixer.ts";
import { rmsNorm } from "../layers/rms_norm.ts";
import { greenPhase, scatteringPhase } from "../layers/scattering_router.ts";
import { symplecticStep } from "../layers/symplectic_step.ts";
import { tokenEmbedding } from "../layers/token_embedding.ts";
import { add } from "../ops/add.ts";
import { concat } from "../ops/concat.ts";
import { reshape } from "../ops/reshape.ts";
import { slice } from "../ops/slice.ts";
import type { CommonConfig, ForwardOptions, Model } from "./model.ts";
import {
  type ResnetBkSchedules,
  resnetBkSchedules,
  type ScheduledValues,
  scheduledValues,
} from "./resnet_bk_schedules.ts";

/** Configuration of ResNet-BK. */
export interface ResnetBkConfig extends CommonConfig, BkCoreSettings, ResnetBkSchedules {
  /** Whether the core is the causal one, or what the write-ups publish, which leaks later tokens. */
  readonly mode: "causal" | "paper";
  /** What a token reads: the diagonal of the resolvent, or the causal resolvent applied to values. */
  readonly mixer: "diagonal" | "resolvent";
  /** How a block adds to the stream. `symplectic` splits it into positions and momenta. */
  readonly block: "residual" | "symplectic";
  /** Length of a symplectic step. */
  readonly symplecticDt: number;
  /** What chooses experts: a learned gate, the scattering phase in running quantile bins, or its published form. */
  readonly router: "gate" | "scattering" | "arg_g";
  /** E, experts per block. */
  readonly numExperts: number;
  /** Experts that each token visits. */
  readonly topK: number;
  /** Factor of the load-balance loss. */
  readonly loadBalance: number;
  /** Factor of the loss on the gate's log-sum-exp. */
  readonly zLoss: number;
}

type Options = ForwardOptions<ResnetBkConfig> & { readonly values: ScheduledValues };

export const resnetBk: Model<ResnetBkConfig> = {
  source: "ResNet-BK write-ups, causal core",
  isCausal: (config) => config.bkDirection === "causal",
  noStream: (config) => {
    if (config.bkDirection !== "causal") return "a bidirectional core reads later tokens";
    if (config.primeBump === "none") return undefined;
    return "a potential per position ends with the length that it was trained at";
  },
  schedules: resnetBkSchedules,
  forward: (graph, given) => {
    const { config, shape: { batch, seqLen }, vocabularySize, tokens } = given;
    const options = { ...given, values: scheduledValues(graph, given) };
    const { dModel: width, tieHead } = config;
    const embedding = tokenEmbedding(graph, { tokens, vocabularySize, width, tieHead });
    const diagnostics: Record<string, Tensor> = {};
    let losses: readonly Tensor[] = [];
    let x = embedding.embedded; // (B, N, D)
    for (let layer = 0; layer < config.nLayers; layer++) {
      graph.segment(`block${layer}`, () => {
        const block = config.block === "residual" ? residualBlock : symplecticBlock;
        const done = block(x, { options, layer });
        x = done.x; // (B, N, D)
        losses = [...losses, ...done.losses];
        for (const [name, value] of Object.entries(done.diagnostics)) {
          diagnostics[`${name}/block${layer}`] = value;
        }
      });
    }
    const features = reshape(rmsNorm(x, { name: "final_norm" }), [batch * seqLen, width]);
    return {
      features,
      head: embedding.head,
      diagnostics,
      ...(losses.length > 0 ? { auxiliaryLoss: losses.reduce((a, b) => add(a, b)) } : {}),
    };
  },
};

interface BlockPlace {
  readonly options: Options;
  readonly layer: number;
}

interface BlockResult {
  /** (B, N, D) */
  readonly x: Tensor;
  readonly losses: readonly Tensor[];
  readonly diagnostics: Readonly<Record<string, Tensor>>;
}

/** Mixing, then experts, each added to the stream. */
function residualBlock(x: Tensor, { options, layer }: BlockPlace): BlockResult {
  const { config } = options;
  const residualScale = 1 / Math.sqrt(2 * config.nLayers);
  const mixed = mix(x, { options, residualScale });
  const between = add(x, mixed.output);
  const served = feedForward(between, {
    options,
    mixed,
    noise: `block${layer}/gate`,
    residualScale,
  });
  return {
    x: add(between, served.output),
    losses: served.losses,
    diagnostics: { ...mixed.diagnostics, ...served.diagnostics },
  };
}

/** The two halves of the stream as positions and momenta; mixing and experts of the positions are the force. */
function symplecticBlock(x: Tensor, { options, layer }: BlockPlace): BlockResult {
  const { graph } = x;
  const width = x.type.shape[2];
  const losses: Tensor[] = [];
  let diagnostics: Readonly<Record<string, Tensor>> = {};
  const force = (q: Tensor, evaluation: number): Tensor => {
    const mixed = mix(q, { options, residualScale: 1 });
    const noise = `block${layer}/gate${evaluation}`;
    const served = feedForward(add(q, mixed.output), { options, mixed, noise, residualScale: 1 });
    losses.push(...served.losses);
    diagnostics = { ...mixed.diagnostics, ...served.diagnostics };
    return add(mixed.output, served.output);
  };
  const next = symplecticStep(
    {
      q: slice(x, { axis: 2, from: 0, to: width / 2 }),
      p: slice(x, { axis: 2, from: width / 2, to: width }),
    },
    {
      dt: options.config.symplecticDt,
      force: (q, evaluation) =>
        evaluation === 0 ? force(q, 0) : graph.withOwnStates("second", () => force(q, 1)),
    },
  );
  return { x: concat([next.q, next.p], { axis: 2 }), losses, diagnostics };
}

interface Part {
  readonly options: Options;
  readonly residualScale: number;
}

function mix(x: Tensor, { options, residualScale }: Part): Mixed {
  const { config, shape, purpose, values: { etaFactor } } = options;
  const mixer = config.mixer === "diagonal" ? bkMixer : resolventValueMixer;
  return mixer(rmsNorm(x, { name: "mixer_norm" }), {
    ...config,
    ...shape,
    residualScale,
    purpose,
    ...(etaFactor ? { etaFactor } : {}),
  });
}

interface Served {
  /** (B, N, D) */
  readonly output: Tensor;
  readonly losses: readonly Tensor[];
  readonly diagnostics: Readonly<Record<string, Tensor>>;
}

function feedForward(
  x: Tensor,
  at: Part & { readonly mixed: Mixed; readonly noise: string },
): Served {
  const { config, shape: { batch, seqLen }, purpose, noise, values } = at.options;
  const width = x.type.shape[2];
  const rows = reshape(rmsNorm(x, { name: "moe_norm" }), [batch * seqLen, width]);
  const { numExperts, topK, loadBalance, zLoss } = config;
  const { output, auxiliaryLoss, usage, entropy } = mixtureOfExperts(rows, {
    numExperts,
    topK,
    loadBalance,
    zLoss,
    gumbel: values.temperature,
    dFf: 2 * width,
    residualScale: at.residualScale,
    router: routerOf(config, { mixed: at.mixed, purpose }),
    purpose,
    ...(noise ? { noise: () => noise(at.noise) } : {}),
  });
  return {
    output: reshape(output, [batch, seqLen, width]),
    losses: auxiliaryLoss ? [auxiliaryLoss] : [],
    diagnostics: { expert_usage: usage, routing_entropy: entropy },
  };
}

function routerOf(
  { router }: ResnetBkConfig,
  at: { readonly mixed: Mixed; readonly purpose: Purpose },
): MixtureOfExpertsOptions["router"] {
  const { g, operands } = at.mixed.green;
  switch (router) {
    case "gate":
      return { kind: "gate" };
    case "scattering": {
      const phase = scatteringPhase(g, { ...operands, purpose: at.purpose });
      return { kind: "phase", phase, law: "quantile" };
    }
    case "arg_g":
      return { kind: "phase", phase: greenPhase(g), law: "arg_g" };
  }
}
