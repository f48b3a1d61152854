import { boolean, integer, number, oneOf } from "./schema.ts";

/** Ends of a schedule, which a step reads in f32. */
export const SCHEDULED = { min: 1e-6, max: 1e6 } as const;

/** Settings that resnet-bk models alone have, by manifest key. */
export const RESNET_BK_SHAPE = {
  /** The causal core, or what the write-ups publish, which leaks later tokens. */
  mode: oneOf("causal", "paper"),
  bk_direction: oneOf("causal", "bidirectional"),
  /** What the backward pass gives the potential. */
  grad_mode: oneOf("exact", "theoretical", "hypothesis7", "blend"),
  /** Weight of hypothesis7 in a blend. */
  grad_blend: number({ min: 0, max: 1 }),
  /** What a token reads: the diagonal of the resolvent, or the causal resolvent applied to values. */
  mixer: oneOf("diagonal", "resolvent"),
  /** Resolvent channels per layer, H; heads of the resolvent mixer. */
  bk_channels: integer({ min: 1 }),
  /** Free Hamiltonian; the identity mixes no tokens. */
  h0: oneOf("laplacian", "identity"),
  /** Rank of a learned low-rank part of the Hamiltonian; 0 for none. */
  semiseparable_rank: integer({ min: 0, max: 20 }),
  /** Whether the coupling between neighbours is 1 or learned. */
  coupling: oneOf("fixed", "learned"),
  /** Bound on the potential, |v_i| <= v_max. */
  v_max: number({ above: 0 }),
  /** Imaginary shift at the start, its lower bound, and whether it is learned. */
  eta_init: number({ above: 0 }),
  eta_min: number({ above: 0 }),
  eta_learned: boolean,
  /** Factor of that shift over the updates of training; `epsilon` below is the width of prime bumps instead. */
  epsilon_schedule: oneOf("none", "linear", "cosine", "exponential"),
  epsilon_start: number(SCHEDULED),
  epsilon_end: number(SCHEDULED),
  epsilon_steps: integer({ min: 1 }),
  /** First values of a learned potential per position. */
  prime_bump: oneOf("none", "formula", "comb", "gue"),
  prime_bump_scale: number({}),
  k_max: integer({ min: 1 }),
  epsilon: number({ above: 0 }),
  /** How a block adds to the stream. */
  block: oneOf("residual", "symplectic"),
  symplectic_dt: number({ above: 0 }),
  /** What chooses experts. */
  router: oneOf("gate", "scattering", "arg_g"),
  num_experts: integer({ min: 1 }),
  /** Experts that each token visits. */
  top_k: integer({ min: 1 }),
  /** Factors of the losses that balance the gate, and temperature of its noise in training. */
  load_balance: number({ min: 0 }),
  z_loss: number({ min: 0 }),
  gumbel: number({ min: 0, max: SCHEDULED.max }),
  /** How that temperature goes to another over the updates of training. */
  gumbel_schedule: oneOf("none", "linear", "cosine", "exponential"),
  gumbel_end: number(SCHEDULED),
  gumbel_steps: integer({ min: 1 }),
} as const;
