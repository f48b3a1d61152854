/**
 * A Mourre estimate for the lattice Laplacian plus a potential: a sufficient condition, which can fail, for the
 * resolvent to stay bounded near the real axis between weights.
 *
 * Sources
 *   [1] docs/mathematics.md §16.
 *   [2] Mourre 1981, Communications in Mathematical Physics 78, 391-408.
 *   [3] Amrein, Boutet de Monvel, Georgescu, C0-Groups, Commutator Methods and Spectral Theory of N-Body
 *       Hamiltonians (1996), chapter 7.
 * Symbols
 *   X  position n - n0;   P  momentum, (sin P)_{n,n+-1} = +-1/(2i);   A = (X sin P + sin P X)/2
 *   M  the real matrix i A, with M_{n,n+1} = (X_n + X_{n+1})/4 = -M_{n+1,n};  hence i[H, A] = [H, M]
 * Departures
 *   -A is the conjugate operator, since i[H0, -A] = (4 - (H0 + 2)^2)/2 is positive inside the band. The potential
 *   is continued by its edge values, and the estimate is for that infinite lattice: a finite matrix has
 *   eigenvectors, on which every commutator with it has the mean 0.
 */
import { NumericError, UsageError } from "../errors.ts";
import { symmetricEigenvalues } from "./symmetric_eigenvalues.ts";
import type { Tridiagonal } from "./tridiagonal.ts";

/** The commutator i[H, A], real symmetric with five diagonals. */
export interface ConjugateCommutator {
  /** Entries (n, n), (N). */
  readonly diagonal: Float64Array;
  /** Entries (n, n + 1) and (n + 1, n), (N - 1). */
  readonly first: Float64Array;
  /** Entries (n, n + 2) and (n + 2, n), (N - 2). */
  readonly second: Float64Array;
}

/** Options that place the sites. */
export interface CentreOptions {
  /**
   * The index n0, 0-based, at which X is 0.
   * @default {(N - 1) / 2}
   */
  readonly centre?: number;
}

/**
 * i[H, A] of a real symmetric tridiagonal H of order N, in O(N). For v = 0 and bonds 1 it is
 * -(4 - (H0 + 2)^2)/2 in all rows but the two at each end.
 */
export function conjugateCommutator(
  h: Tridiagonal,
  options: CentreOptions = {},
): ConjugateCommutator {
  const n = h.diagonal.length;
  const m = dilationEntries(n, options);
  const b = h.upper;
  const product = (k: number): number => k >= 0 && k < n - 1 ? b[k] * m[k] : 0;
  return {
    diagonal: h.diagonal.map((_, k) => 2 * (product(k - 1) - product(k))),
    first: b.map((_, k) => (h.diagonal[k] - h.diagonal[k + 1]) * m[k]),
    second: b.slice(1).map((_, k) => b[k] * m[k + 1] - m[k] * b[k + 1]),
  };
}

/** M_{n,n+1} = (X_n + X_{n+1})/4, (N - 1). */
function dilationEntries(n: number, { centre = (n - 1) / 2 }: CentreOptions): Float64Array {
  return Float64Array.from({ length: Math.max(0, n - 1) }, (_, k) => (2 * (k - centre) + 1) / 4);
}

/** An interval of energies; the band of the Laplacian is (-4, 0). */
export interface EnergyWindow {
  /** Lower end. */
  readonly low: number;
  /** Upper end, >= low. */
  readonly high: number;
}

/**
 * The Mourre constant of the free Laplacian, c_I = min over E in I of (4 - (E + 2)^2)/2: positive inside the
 * band, 0 at its edges, negative beyond.
 *
 * @throws {UsageError} If the window is not a finite interval
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { mourreConstant } from "./mourre.ts";
 * assertEquals(mourreConstant({ low: -3, high: -2 }), 1.5);
 * ```
 */
export function mourreConstant(window: EnergyWindow): number {
  return 2 - farthestFromCentre(window) ** 2 / 2;
}

/** max |E + 2| over the window. */
function farthestFromCentre({ low, high }: EnergyWindow): number {
  if (!(low <= high && low > -Infinity && high < Infinity)) {
    throw new UsageError(
      `Cannot use the energy window "${low}" to "${high}": expected finite ends in ascending order`,
    );
  }
  return Math.max(Math.abs(low + 2), Math.abs(high + 2));
}

/** Outcome of {@linkcode mourreEstimate}. */
export interface MourreEstimate {
  /** c_I of the free Laplacian. */
  readonly constant: number;
  /** What V takes from c_I by moving spectrum into the window: (e + ||V||_inf)^2/2 - e^2/2, e = max |E + 2|. */
  readonly windowLoss: number;
  /** ||i[V, A]||, with entries (V_n - V_{n+1})(X_n + X_{n+1})/4 beside the diagonal. */
  readonly commutatorNorm: number;
  /** constant - windowLoss - commutatorNorm, the lower bound of i[H, -A] on the window. */
  readonly margin: number;
  /** Whether the margin is positive. */
  readonly verified: boolean;
}

/**
 * Whether E_I(H) i[H, -A] E_I(H) >= margin E_I(H) with a positive margin, for H = H0 + V on the lattice where v,
 * (N), is continued by its edge values. Potentials whose steps do not shrink like 1/n fail, so most learned ones.
 *
 * @throws {UsageError} If v is empty or the window is not a finite interval
 * @throws {NumericError} If a value is not finite
 *
 * @example Usage
 * ```ts
 * import { assert, assertEquals } from "@std/assert";
 * import { mourreEstimate } from "./mourre.ts";
 * const window = { low: -2.5, high: -1.5 };
 * assertEquals(mourreEstimate(new Float64Array(64), { window }).margin, 1.875);
 * const rough = Float64Array.from({ length: 64 }, (_, n) => n % 2);
 * assert(!mourreEstimate(rough, { window }).verified);
 * ```
 */
export function mourreEstimate(
  v: ArrayLike<number>,
  options: CentreOptions & { readonly window: EnergyWindow },
): MourreEstimate {
  const values = Float64Array.from(v);
  if (values.length === 0) {
    throw new UsageError("Cannot make a Mourre estimate: expected a potential (N), got no value");
  }
  const wrong = values.findIndex((value) => !Number.isFinite(value));
  if (wrong >= 0) {
    throw new NumericError(
      `Cannot make a Mourre estimate: at v[${wrong}]: expected a finite number, got "${v[wrong]}"`,
    );
  }
  const constant = mourreConstant(options.window);
  const farthest = farthestFromCentre(options.window);
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const windowLoss = largest * (farthest + largest / 2);
  const commutatorNorm = normOfPotentialPart(values, options);
  const margin = constant - windowLoss - commutatorNorm;
  return { constant, windowLoss, commutatorNorm, margin, verified: margin > 0 };
}

/** Norm of i[V, A]: its largest eigenvalue, as the spectrum of a bipartite matrix is symmetric about 0. */
function normOfPotentialPart(values: Float64Array, options: CentreOptions): number {
  const n = values.length;
  const m = dilationEntries(n, options);
  const entries = m.map((x, k) => (values[k] - values[k + 1]) * x);
  const matrix = { diagonal: new Float64Array(n), upper: entries, lower: entries };
  return Math.max(0, symmetricEigenvalues(matrix, { first: n - 1, end: n })[0]);
}
