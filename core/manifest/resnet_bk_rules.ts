import { RESNET_BK_SHAPE, SCHEDULED } from "./resnet_bk_shape.ts";
import type { ObjectOf } from "./schema.ts";

type Settings = ObjectOf<typeof RESNET_BK_SHAPE> & { readonly dModel: number };

/** A rule that settings break together. */
export interface Rule {
  /** Key that a message names. */
  readonly key: string;
  readonly isBroken: (settings: Settings) => boolean;
  readonly rule: (settings: Settings) => string;
}

/** Experts that a gate can choose among more; the bound of core/ops/top_k.ts. */
const MOST_CHOSEN = 8;

/** What settings must fulfil together. */
export const RESNET_BK_RULES: readonly Rule[] = [
  {
    key: "top_k",
    isBroken: ({ topK, numExperts }) => topK > numExperts,
    rule: ({ topK, numExperts }) => `expected at most num_experts = ${numExperts}, got ${topK}`,
  },
  {
    key: "top_k",
    isBroken: ({ router, topK, numExperts }) =>
      router === "gate" && topK > MOST_CHOSEN && topK < numExperts,
    rule: ({ topK, numExperts }) =>
      `a gate chooses at most ${MOST_CHOSEN} experts, or all num_experts = ${numExperts} of them, got ${topK}`,
  },
  {
    key: "eta_init",
    isBroken: ({ etaInit, etaMin, etaLearned }) => etaLearned && etaInit <= etaMin,
    rule: ({ etaInit, etaMin }) => `expected more than eta_min = ${etaMin}, got ${etaInit}`,
  },
  {
    key: "bk_direction",
    isBroken: ({ bkDirection, mode }) => bkDirection === "bidirectional" && mode !== "paper",
    rule: () =>
      '"bidirectional" reads later tokens and exists in mode "paper" alone; use mode "paper", whose results are ' +
      "marked as leaking",
  },
  {
    key: "mixer",
    isBroken: ({ mixer, bkDirection, gradMode, primeBump }) =>
      mixer === "resolvent" &&
      (bkDirection !== "causal" || gradMode !== "exact" || primeBump !== "none"),
    rule: () =>
      'the resolvent mixer is causal with exact gradients: expected bk_direction "causal", grad_mode "exact" ' +
      'and prime_bump "none"',
  },
  {
    key: "bk_channels",
    isBroken: ({ mixer, block, bkChannels, dModel }) =>
      mixer === "resolvent" && (dModel / (block === "symplectic" ? 2 : 1)) % bkChannels !== 0,
    rule: ({ dModel, bkChannels }) =>
      `expected a divisor of the mixer's width (d_model = ${dModel}, half of it in a symplectic block), got ` +
      `${bkChannels}`,
  },
  {
    key: "d_model",
    isBroken: ({ block, dModel }) => block === "symplectic" && dModel % 2 !== 0,
    rule: ({ dModel }) => `expected an even width for symplectic blocks, got ${dModel}`,
  },
  {
    key: "semiseparable_rank",
    isBroken: ({ semiseparableRank, bkDirection, gradMode, mixer }) =>
      semiseparableRank > 0 &&
      (bkDirection !== "bidirectional" || gradMode !== "exact" || mixer !== "diagonal"),
    rule: () =>
      'a low-rank part joins all tokens and has exact gradients alone: expected mode "paper" with grad_mode ' +
      '"exact" and mixer "diagonal"',
  },
  {
    key: "h0",
    isBroken: ({ h0, coupling, primeBump }) =>
      h0 === "identity" && (coupling === "learned" || primeBump === "gue"),
    rule: () =>
      'the identity has no couplings: expected coupling "fixed", and prime_bump other than "gue"',
  },
  {
    key: "top_k",
    isBroken: ({ router, topK }) => router !== "gate" && topK > (router === "arg_g" ? 1 : 2),
    rule: ({ router, topK }) =>
      `expected at most ${router === "arg_g" ? 1 : 2} with router "${router}", got ${topK}`,
  },
  {
    key: "gumbel",
    isBroken: ({ router, gumbel }) => router !== "gate" && gumbel > 0,
    rule: ({ router }) => `noise belongs to a gate: expected 0 with router "${router}"`,
  },
  {
    key: "gumbel_schedule",
    isBroken: ({ gumbelSchedule, gumbel }) => gumbelSchedule !== "none" && gumbel < SCHEDULED.min,
    rule: ({ gumbel }) =>
      `a schedule starts at the temperature gumbel: expected gumbel >= ${SCHEDULED.min}, got ${gumbel}`,
  },
  {
    key: "gumbel_end",
    isBroken: ({ gumbelSchedule, gumbelEnd, gumbel }) =>
      gumbelSchedule !== "none" && gumbelEnd === gumbel,
    rule: ({ gumbel }) =>
      `expected another temperature than gumbel = ${gumbel}, or gumbel_schedule "none"`,
  },
  {
    key: "epsilon_end",
    isBroken: ({ epsilonSchedule, epsilonStart, epsilonEnd }) =>
      epsilonSchedule !== "none" && epsilonEnd === epsilonStart,
    rule: ({ epsilonStart }) =>
      `expected another value than epsilon_start = ${epsilonStart}, or epsilon_schedule "none" and another ` +
      "eta_init",
  },
  {
    key: "router",
    isBroken: ({ router, mode }) => router === "arg_g" && mode !== "paper",
    rule: () =>
      '"arg_g" is the published router and exists in mode "paper" alone; use "scattering"',
  },
  {
    key: "router",
    isBroken: ({ router, bkDirection }) => router === "scattering" && bkDirection !== "causal",
    rule: () => '"scattering" reads causal pivots: expected bk_direction "causal"',
  },
];
