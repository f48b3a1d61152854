import { UsageError } from "../errors.ts";
import { TIE_TOLERANCE } from "./are_constant.ts";
import { requireFinite } from "./require_finite.ts";

/** Largest number of differences whose sign flips are enumerated: 2^20 of them. */
export const MAXIMUM_SIGN_FLIP_PAIRS = 20;

/** Outcome of the exact sign-flip test. */
export interface SignFlipResult {
  /** Two-sided p-value in [floor, 1]. */
  readonly p: number;
  /** min(1, 2^(z + 1) / 2^n): no n differences of which z are 0 can give a smaller p. */
  readonly floor: number;
  /** Number of differences, zeros included. */
  readonly n: number;
  /** Number of sign vectors behind p, 2^n. */
  readonly permutations: number;
}

/**
 * Exact two-sided sign-flip test of the mean difference. Hypothesis: each difference is distributed
 * symmetrically about 0. p is the share of all 2^n sign vectors s with
 * |sum_i s_i d_i| >= |sum_i d_i|. differences: (n), 1 <= n <= 20.
 *
 * The data and their mirror image always count, so p >= 2 / 2^n and p is never 0. Zeros stay in the
 * sample: each doubles both counts and so leaves p as it is without them, and the floor too.
 * Sums within 2^-40 max |d| of the observed one count as ties with it, which can only raise p.
 *
 * Source: Fisher 1935, The Design of Experiments, section 21; Phipson and Smyth 2010, Statistical
 * Applications in Genetics and Molecular Biology 9 (1), article 39, on p never being 0.
 *
 * @throws {UsageError} If there are no differences, or more than 20
 * @throws {NumericError} If a difference is not finite
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { signFlipTest } from "./sign_flip_test.ts";
 * const { p, floor, n, permutations } = signFlipTest([1, 2, 3, 4, 5]);
 * assertEquals([p, floor, n, permutations], [2 / 32, 2 / 32, 5, 32]);
 * ```
 */
export function signFlipTest(differences: readonly number[]): SignFlipResult {
  requireFinite(differences, "differences");
  const n = differences.length;
  if (n > MAXIMUM_SIGN_FLIP_PAIRS) {
    throw new UsageError(
      `Cannot enumerate the sign flips of ${n} differences: ` +
        `expected at most ${MAXIMUM_SIGN_FLIP_PAIRS}, got ${n}; compare fewer seeds`,
    );
  }
  const permutations = 2 ** n;
  const zeros = differences.filter((d) => d === 0).length;
  const floor = Math.min(1, 2 ** (zeros + 1) / permutations);
  return { p: extremeShare(onGrid(differences)), floor, n, permutations };
}

// 20 integers of at most 2^47 have sums below 2^52: f64 holds every partial sum exactly, so the
// order of the flips changes no count.
const GRID = 2 ** 47;

/** The differences in units of max |d| / 2^47, rounded to integers. */
function onGrid(differences: readonly number[]): readonly number[] {
  const largest = Math.max(...differences.map(Math.abs));
  return differences.map((d) =>
    largest === 0 ? 0 : Math.round((Math.abs(d) / largest) * GRID) * Math.sign(d)
  );
}

/** Share of sign vectors at least as extreme as the observed one. */
function extremeShare(values: readonly number[]): number {
  const signed = [...values];
  let sum = signed.reduce((total, value) => total + value, 0);
  const threshold = Math.abs(sum) - TIE_TOLERANCE * GRID;
  // Mirrored vectors are equally extreme, so the last sign stays: half of the vectors tell the share.
  const half = 2 ** (values.length - 1);
  let extreme = 1; // the data themselves
  for (let step = 1; step < half; step++) {
    // Gray code: the step's lowest set bit is the one sign that changes.
    const flipped = 31 - Math.clz32(step & -step);
    signed[flipped] = -signed[flipped];
    sum += 2 * signed[flipped];
    if (Math.abs(sum) >= threshold) extreme++;
  }
  return extreme / half;
}
