/**
 * The limiting absorption principle, seen on a finite chain: how the resolvent between weights grows as z nears
 * the real axis.
 *
 * Sources
 *   [1] docs/mathematics.md §16.
 *   [2] Agmon 1975, Annali della Scuola Normale Superiore di Pisa 2, 151-218.
 * Symbols
 *   <x> = (1 + x^2)^1/2;   s > 1/2;   W = diag(<n - n0>^-s)
 * Departures
 *   eta stays above 8/N. Below the spacing of levels the finite matrix has only eigenvalues, and growth there says
 *   where they happen to lie.
 */
import { linearRegression } from "simple-statistics";
import { UsageError } from "../errors.ts";
import { adjointOf } from "./condition.ts";
import type { CentreOptions } from "./mourre.ts";
import { type NormEstimate, operatorNorm } from "./operator_norm.ts";
import { shiftedSolver } from "./resolvent.ts";
import {
  type ComplexVector,
  latticeHamiltonian,
  type SpectralPoint,
  type Tridiagonal,
} from "./tridiagonal.ts";

/** Weights of the limiting absorption principle. */
export interface LapWeightOptions extends CentreOptions {
  /**
   * Exponent s, > 1/2.
   * @default {1}
   */
  readonly exponent?: number;
}

/**
 * <n - n0>^-s for n = 0..N-1, (N): 1 at the centre, falling to both ends.
 *
 * @throws {UsageError} If the exponent is not above 1/2
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { lapWeights } from "./lap.ts";
 * assertAlmostEquals(lapWeights(3, { exponent: 1 })[0], Math.SQRT1_2, 1e-15);
 * ```
 */
export function lapWeights(n: number, options: LapWeightOptions = {}): Float64Array {
  const { exponent = 1, centre = (n - 1) / 2 } = options;
  if (!(exponent > 0.5 && exponent < Infinity)) {
    throw new UsageError(
      `Cannot make weights: expected a finite exponent > 0.5, got "${exponent}"`,
    );
  }
  return Float64Array.from({ length: n }, (_, k) => (1 + (k - centre) ** 2) ** (-exponent / 2));
}

/**
 * ||W (H - z)^-1 W||_2 for symmetric H = H0 + V, from below, by power iteration with O(N) solves. v: (N).
 *
 * @throws {UsageError} If v is empty, the exponent is not above 1/2, or z is not above the real axis
 * @throws {NumericError} If a value of v is not finite
 */
export function weightedResolventNorm(
  v: ArrayLike<number>,
  z: SpectralPoint,
  options: LapWeightOptions = {},
): NormEstimate {
  return weightedNorm(latticeHamiltonian(v), z, lapWeights(v.length, options));
}

function weightedNorm(h: Tridiagonal, z: SpectralPoint, weights: Float64Array): NormEstimate {
  const solve = shiftedSolver(h, z);
  const map = (x: ComplexVector): ComplexVector => weighted(solve(weighted(x, weights)), weights);
  return operatorNorm(map, { size: weights.length, adjoint: adjointOf(map), maxRounds: 100 });
}

function weighted(x: ComplexVector, weights: Float64Array): ComplexVector {
  const re = new Float64Array(weights.length);
  const im = new Float64Array(weights.length);
  for (let i = 0; i < weights.length; i++) {
    re[i] = weights[i] * x.re[i];
    im[i] = weights[i] * x.im[i];
  }
  return { re, im };
}

/** Options of {@linkcode lapGrowth}. */
export interface LapGrowthOptions extends LapWeightOptions {
  /** Energy at which z nears the real axis. */
  readonly lambda: number;
  /**
   * How many values eta = 2^-k are fitted, the smallest being the last that is at least 8/N.
   * @default {6}
   */
  readonly points?: number;
  /**
   * Largest exponent of growth that counts as bounded.
   * @default {0.25}
   */
  readonly threshold?: number;
}

/** Outcome of {@linkcode lapGrowth}. */
export interface LapGrowth {
  /** Values of eta, falling. */
  readonly etas: readonly number[];
  /** ||W (H - lambda - i eta)^-1 W|| for each, from below. */
  readonly norms: readonly number[];
  /** Least-squares slope of ln norm over ln (1/eta): 0 where the norm stays bounded, 1 at an eigenvalue. */
  readonly exponent: number;
  /** Whether the exponent is at most the threshold. It speaks for this energy and these eta alone. */
  readonly bounded: boolean;
}

/**
 * How the weighted norm of the resolvent grows as eta falls, for H = H0 + V with v (N). O(N) for each eta.
 *
 * @throws {UsageError} If N is below 16, or an option is outside its range
 * @throws {NumericError} If a value of v is not finite
 *
 * @example Usage
 * ```ts
 * import { assert } from "@std/assert";
 * import { lapGrowth } from "./lap.ts";
 * assert(lapGrowth(new Float64Array(512), { lambda: -2 }).bounded);
 * ```
 */
export function lapGrowth(v: ArrayLike<number>, options: LapGrowthOptions): LapGrowth {
  const { lambda, points = 6, threshold = 0.25 } = options;
  if (!(v.length >= 16 && Number.isInteger(points) && points >= 2)) {
    throw new UsageError(
      `Cannot fit a growth: expected at least 16 sites and an integer number of points >= 2, ` +
        `got ${v.length} sites and "${points}" points`,
    );
  }
  const h = latticeHamiltonian(v);
  const weights = lapWeights(v.length, options);
  const last = Math.floor(Math.log2(v.length / 8));
  const etas = Array.from({ length: points }, (_, k) => 2 ** (points - 1 - k - last));
  const norms = etas.map((eta) => weightedNorm(h, { lambda, eta }, weights).value);
  const logs = etas.map((eta, k) => [-Math.log(eta), Math.log(norms[k])]);
  const exponent = linearRegression(logs).m;
  return { etas, norms, exponent, bounded: exponent <= threshold };
}
