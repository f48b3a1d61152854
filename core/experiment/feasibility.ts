/** What the exact test of an experiment can show at best. */
export interface Feasibility {
  /** Smallest two-sided p-value of one exact sign-flip test, 2/2^n. */
  readonly floor: number;
  /** Smallest p-value after Holm's adjustment where all tests of the family reach the floor. */
  readonly smallestAdjusted: number;
  /** Whether `smallestAdjusted` can fall to alpha or below. */
  readonly feasible: boolean;
  /** One sentence for the plan. */
  readonly message: string;
}

/** A family of two-sided exact sign-flip tests over paired seeds. */
export interface Family {
  /** Number of seeds, n >= 1. */
  readonly seeds: number;
  /** Number of tests in the family, m >= 1. */
  readonly tests: number;
  readonly alpha: number;
}

/**
 * Whether a family of sign-flip tests can reach significance at all, before anything is computed.
 * Of the 2^n sign patterns at least two are as extreme as the observed one, itself and its
 * negative, so p >= 2/2^n; Holm's first step multiplies the smallest p-value by m.
 *
 * Sources: Phipson and Smyth, "Permutation p-values should never be zero" (2010), §3; Holm, "A
 * simple sequentially rejective multiple test procedure" (1979), §3.
 */
export function feasibility(family: Family): Feasibility {
  const { seeds, tests, alpha } = family;
  const floor = Math.min(1, 2 / 2 ** seeds);
  const smallestAdjusted = Math.min(1, tests * floor);
  const feasible = smallestAdjusted <= alpha;
  const reach =
    `${seeds} seeds and ${tests} tests: smallest p ${floor}, after Holm ${smallestAdjusted}`;
  const needed = Math.ceil(Math.log2((2 * tests) / alpha));
  const message = feasible
    ? `${reach}; significance at ${alpha} is within reach`
    : `${reach}; significance at ${alpha} is out of reach, it takes at least ${needed} seeds`;
  return { floor, smallestAdjusted, feasible, message };
}
