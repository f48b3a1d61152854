/** Small models that can stream, with parameters at which the past matters. */
import type { StreamStart } from "../../../core/evaluate/stream.ts";
import type { ModelConfig } from "../../../core/models/registry.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { initialParameters, initialStates } from "../../../core/train/initial_parameters.ts";

const resnetBk = {
  kind: "resnet-bk",
  dModel: 16,
  nLayers: 1,
  tieHead: true,
  mode: "causal",
  bkChannels: 4,
  bkDirection: "causal",
  gradMode: "exact",
  gradBlend: 0.5,
  h0: "laplacian",
  semiseparableRank: 0,
  coupling: "learned",
  vMax: 3,
  etaInit: 0.05,
  etaMin: 1e-3,
  etaLearned: true,
  epsilonSchedule: "none",
  epsilonStart: 1,
  epsilonEnd: 0.5,
  epsilonSteps: 10_000,
  primeBump: "none",
  primeBumpScale: 0.02,
  kMax: 3,
  epsilon: 1,
  mixer: "diagonal",
  block: "residual",
  symplecticDt: 0.3,
  router: "gate",
  numExperts: 3,
  topK: 1,
  loadBalance: 0.01,
  zLoss: 1e-3,
  gumbel: 0,
  gumbelSchedule: "none",
  gumbelEnd: 0.1,
  gumbelSteps: 10_000,
} as const satisfies ModelConfig;

export const DIAGONAL: ModelConfig = resnetBk;
export const RESOLVENT: ModelConfig = { ...resnetBk, mixer: "resolvent", bkChannels: 2 };
export const BLOCKS: ModelConfig = {
  kind: "resolvent-block",
  dModel: 16,
  nLayers: 1,
  tieHead: true,
  nHeads: 4,
  vMax: 3,
  etaMin: 1e-3,
  etaLow: 0.02,
  etaHigh: 0.5,
  etaDynamic: true,
  mixerNorm: "ward",
};

/** One layer of each, since a text of thousands of single tokens is thousands of steps. */
export const SHALLOW: Readonly<Record<string, ModelConfig>> = {
  "mixer diagonal": DIAGONAL,
  "mixer resolvent": RESOLVENT,
  "resolvent-block with eta by token and ward norm": BLOCKS,
};

/** States behind states: more layers, two evaluations of a layer per step, a router with states of its own. */
export const DEEP: Readonly<Record<string, ModelConfig>> = {
  "mixer diagonal, arg_g router": { ...resnetBk, nLayers: 3, router: "arg_g" },
  "symplectic blocks, mixer diagonal": { ...resnetBk, nLayers: 2, block: "symplectic" },
  "symplectic blocks, mixer resolvent, scattering router": {
    ...resnetBk,
    nLayers: 2,
    mixer: "resolvent",
    bkChannels: 2,
    block: "symplectic",
    router: "scattering",
    topK: 2,
    epsilonSchedule: "linear",
    epsilonStart: 2,
  },
  "three resolvent blocks": { ...BLOCKS, nLayers: 3, etaDynamic: false, mixerNorm: "none" },
};

/**
 * First parameters of seed 42; states as before the first update, but for quantiles of a router, which are spread out,
 * and epsilon, which is not where its schedule starts.
 */
export function startOf(plan: Plan): StreamStart {
  const state = initialStates(plan);
  for (const { name, tensor } of plan.states) {
    const { byteOffset, type: { shape: [knots] } } = plan.tensors[tensor];
    if (name === "schedule/epsilon") state[byteOffset / 4] = 0.7;
    if (!name.endsWith("/quantiles")) continue;
    for (let k = 0; k < knots; k++) state[byteOffset / 4 + k] = 0.2 * (k - (knots - 1) / 2);
  }
  return { param: initialParameters(plan, 42), state };
}
