/**
 * Prime-bump potentials: three different schemes under one name, each said by name.
 *
 * Sources
 *   [1] docs/mathematics.md §17.
 * Symbols
 *   V(x) = sum_{p,k} alpha_{p,k} psi(x - k ln p);  alpha_{p,k} = ln p / p^(k (1/2 + epsilon));
 *   psi(x) = epsilon^(-1/2) exp(-x^2 / (2 epsilon))
 * Departures
 *   Sites stand at x = n ln(N)/N, so that the window [0, ln N] holds the bumps; with x = n all of them would lie
 *   on the first ln N sites. Nothing links these potentials to better training: that is for an experiment to say.
 */
import { UsageError } from "../errors.ts";
import { stream } from "../random/streams.ts";
import { gueMatrix } from "./gue_matrix.ts";
import { type LevelKind, levelStatistics } from "./level_statistics.ts";
import { primesBelow } from "./primes.ts";
import { symmetricEigenvalues } from "./symmetric_eigenvalues.ts";
import { latticeHamiltonian, type Tridiagonal } from "./tridiagonal.ts";

/**
 * `formula`: the sum of bumps at k ln p. `comb`: `scale` at every prime index, 0 elsewhere. `gue`: a random
 * tridiagonal matrix whose spectrum is that of the Gaussian unitary ensemble, bonds included.
 */
export type PrimeBumpVariant = "formula" | "comb" | "gue";

/** Options of {@linkcode primeBumpPotential}. */
export interface PrimeBumpOptions {
  /** Sites N. */
  readonly nSeq: number;
  /**
   * Width and decay of the bumps, > 0; `formula` only.
   * @default {1}
   */
  readonly epsilon?: number;
  /**
   * Largest power k of a prime, >= 1; `formula` only.
   * @default {3}
   */
  readonly kMax?: number;
  /**
   * Factor of the potential; `formula` and `comb` only.
   * @default {0.02}
   */
  readonly scale?: number;
  /**
   * Which of the schemes.
   * @default {"formula"}
   */
  readonly variant?: PrimeBumpVariant;
  /**
   * Seed of `gue`, and of the bootstrap in `verifyGueStatistics`.
   * @default {0}
   */
  readonly seed?: number;
}

/** Level statistics of a prime-bump Hamiltonian. */
export interface GueStatistics {
  /** Kolmogorov distance of the spacing ratios from the Wigner-like surmise of GUE; 0 is a perfect fit. */
  readonly wigner_fit_error: number;
  /** Mean spacing ratio of the bulk; GUE has 0.5996. */
  readonly mean_ratio: number;
  /** Lower end of its bootstrap interval, 95 %. */
  readonly mean_ratio_low: number;
  /** Upper end. */
  readonly mean_ratio_high: number;
  /** Class that the interval allows. */
  readonly level_kind: LevelKind;
  /** Whether that class is GUE, and no other. */
  readonly is_gue: boolean;
}

/** What {@linkcode primeBumpPotential} returns. */
export interface PrimeBumpPotential {
  /** Scheme that was used. */
  readonly variant: PrimeBumpVariant;
  /** Primes below N, which are also the sites of `comb`, counted from 0. */
  readonly getPrimeIndices: () => readonly number[];
  /** Potential (N); for `gue` the diagonal of its matrix. */
  readonly values: Float64Array;
  /** tridiag(1, -2, 1) + diag(values), or the matrix of `gue`. */
  readonly hamiltonian: Tridiagonal;
  /** Level statistics of the Hamiltonian, in O(N^2). */
  readonly verifyGueStatistics: () => GueStatistics;
}

/**
 * alpha_{p,k} = ln p / p^(k (1/2 + epsilon)).
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { primeBumpWeight } from "./prime_bump.ts";
 * assertAlmostEquals(primeBumpWeight(2, { k: 1, epsilon: 1 }), Math.LN2 / 2 ** 1.5, 1e-15);
 * ```
 */
export function primeBumpWeight(
  p: number,
  { k, epsilon }: { readonly k: number; readonly epsilon: number },
): number {
  return Math.log(p) / p ** (k * (0.5 + epsilon));
}

/**
 * A prime-bump potential of N sites with its Hamiltonian and level statistics. `formula` takes O(N P kMax) time
 * for P primes below N, the others O(N).
 *
 * @throws {UsageError} If nSeq is no integer >= 1, kMax no integer >= 1, epsilon not positive, or scale not finite
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { primeBumpPotential } from "./prime_bump.ts";
 * const bumps = primeBumpPotential({ nSeq: 128, epsilon: 1, kMax: 3 });
 * assertEquals(bumps.getPrimeIndices().slice(0, 4), [2, 3, 5, 7]);
 * assertEquals(bumps.verifyGueStatistics().level_kind, "picket-fence"); // a weak potential leaves the levels even
 * ```
 */
export function primeBumpPotential(options: PrimeBumpOptions): PrimeBumpPotential {
  const { nSeq, variant = "formula", seed = 0 } = options;
  requireOptions(options);
  const primeIndices = primesBelow(nSeq);
  const shared = { variant, getPrimeIndices: (): readonly number[] => primeIndices };
  if (variant === "gue") {
    const hamiltonian = gueMatrix(nSeq, { seed });
    const verifyGueStatistics = (): GueStatistics => gueStatisticsOf(hamiltonian, seed);
    return { ...shared, values: hamiltonian.diagonal, hamiltonian, verifyGueStatistics };
  }
  const values = potentialOf(options, primeIndices);
  const hamiltonian = latticeHamiltonian(values);
  const verifyGueStatistics = (): GueStatistics => gueStatisticsOf(hamiltonian, seed);
  return { ...shared, values, hamiltonian, verifyGueStatistics };
}

function requireOptions({ nSeq, epsilon = 1, kMax = 3, scale = 0.02 }: PrimeBumpOptions): void {
  const rules = [
    {
      key: "nSeq",
      value: nSeq,
      holds: Number.isInteger(nSeq) && nSeq >= 1,
      rule: "an integer >= 1",
    },
    {
      key: "kMax",
      value: kMax,
      holds: Number.isInteger(kMax) && kMax >= 1,
      rule: "an integer >= 1",
    },
    {
      key: "epsilon",
      value: epsilon,
      holds: epsilon > 0 && epsilon < Infinity,
      rule: "a finite number > 0",
    },
    { key: "scale", value: scale, holds: Number.isFinite(scale), rule: "a finite number" },
  ];
  for (const { key, value, holds, rule } of rules) {
    if (holds) continue;
    throw new UsageError(
      `Cannot make a prime-bump potential: at ${key}: expected ${rule}, got "${value}"`,
    );
  }
}

function potentialOf(options: PrimeBumpOptions, primes: readonly number[]): Float64Array {
  const { nSeq, epsilon = 1, kMax = 3, scale = 0.02, variant = "formula" } = options;
  const values = new Float64Array(nSeq);
  if (variant === "comb") {
    for (const p of primes) values[p] = scale;
    return values;
  }
  const spacing = Math.log(nSeq) / nSeq;
  for (const p of primes) {
    for (let k = 1; k <= kMax; k++) {
      const height = scale * primeBumpWeight(p, { k, epsilon }) / Math.sqrt(epsilon);
      const centre = k * Math.log(p);
      for (let n = 0; n < nSeq; n++) {
        values[n] += height * Math.exp(-((spacing * n - centre) ** 2) / (2 * epsilon));
      }
    }
  }
  return values;
}

function gueStatisticsOf(hamiltonian: Tridiagonal, seed: number): GueStatistics {
  const levels = symmetricEigenvalues(hamiltonian);
  const from = stream(seed, "spectral/level-bootstrap");
  const { wignerFitError, meanRatio, low, high, kind } = levelStatistics([levels], { from });
  return {
    wigner_fit_error: wignerFitError,
    mean_ratio: meanRatio,
    mean_ratio_low: low,
    mean_ratio_high: high,
    level_kind: kind,
    is_gue: kind === "gue",
  };
}
