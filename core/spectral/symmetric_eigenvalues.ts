/**
 * Eigenvalues of a tridiagonal matrix with couplings p_k = b_k c_k >= 0, by bisection on Sturm counts.
 *
 * Sources
 *   [1] Givens 1954, ORNL-1574; Barth, Martin, Wilkinson 1967, Numerische Mathematik 9, 386-393.
 *   [2] Demmel, Dhillon, Ren 1995, ETNA 3, 116-149: the count is monotone in floating point.
 * Symbols
 *   q_i  pivots of H - x for real x: as many are negative as there are eigenvalues below x
 */
import { UsageError } from "../errors.ts";
import type { Tridiagonal } from "./tridiagonal.ts";

/** Pivots nearer to 0 than this share of the largest coupling are moved to it, away from a division by 0. */
const SMALLEST_NORMAL = 2.2250738585072014e-308;

/** H for counting: its diagonal, its couplings, an interval with every eigenvalue, a floor for pivots. */
interface Counter {
  readonly diagonal: Float64Array;
  readonly couplings: Float64Array;
  readonly low: number;
  readonly high: number;
  readonly pivotFloor: number;
}

function counterOf(h: Tridiagonal): Counter {
  const { diagonal } = h;
  const couplings = h.upper.map((b, k) => b * h.lower[k]);
  const radius = (i: number): number =>
    Math.sqrt(i > 0 ? couplings[i - 1] : 0) + Math.sqrt(i < couplings.length ? couplings[i] : 0);
  const low = diagonal.reduce((least, d, i) => Math.min(least, d - radius(i)), Infinity);
  const high = diagonal.reduce((most, d, i) => Math.max(most, d + radius(i)), -Infinity);
  // Gershgorin's discs, a little wider: a count rounds like a change of H by a few units in the last place.
  const margin = 8 * Number.EPSILON * Math.max(Math.abs(low), Math.abs(high)) + 1e-300;
  const largest = couplings.reduce((most, p) => Math.max(most, p), 1);
  const pivotFloor = SMALLEST_NORMAL * largest;
  return { diagonal, couplings, low: low - margin, high: high + margin, pivotFloor };
}

/** How many eigenvalues are below each of the points `x`. The chains are independent, and hide each other's divisions. */
function countFour(
  { diagonal, couplings, pivotFloor }: Counter,
  x: Float64Array,
  counts: Int32Array,
): void {
  let [q0, q1, q2, q3] = [1, 1, 1, 1];
  let [n0, n1, n2, n3] = [0, 0, 0, 0];
  for (let i = 0; i < diagonal.length; i++) {
    const p = i > 0 ? couplings[i - 1] : 0;
    const d = diagonal[i];
    q0 = d - x[0] - p / q0;
    q1 = d - x[1] - p / q1;
    q2 = d - x[2] - p / q2;
    q3 = d - x[3] - p / q3;
    if (Math.abs(q0) < pivotFloor) q0 = -pivotFloor;
    if (Math.abs(q1) < pivotFloor) q1 = -pivotFloor;
    if (Math.abs(q2) < pivotFloor) q2 = -pivotFloor;
    if (Math.abs(q3) < pivotFloor) q3 = -pivotFloor;
    if (q0 < 0) n0++;
    if (q1 < 0) n1++;
    if (q2 < 0) n2++;
    if (q3 < 0) n3++;
  }
  counts[0] = n0;
  counts[1] = n1;
  counts[2] = n2;
  counts[3] = n3;
}

/**
 * How many eigenvalues of H are below x, in O(N).
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { countEigenvaluesBelow } from "./symmetric_eigenvalues.ts";
 * import { latticeHamiltonian } from "./tridiagonal.ts";
 * assertEquals(countEigenvaluesBelow(latticeHamiltonian([0, 0, 0]), -2.5), 1); // -2 - sqrt(2), -2, -2 + sqrt(2)
 * ```
 */
export function countEigenvaluesBelow(h: Tridiagonal, x: number): number {
  const counts = new Int32Array(4);
  countFour(counterOf(h), new Float64Array(4).fill(x), counts);
  return counts[0];
}

/** Which eigenvalues {@linkcode symmetricEigenvalues} computes. */
export interface EigenvalueOptions {
  /**
   * Index of the first, 0 being the smallest.
   * @default {0}
   */
  readonly first?: number;
  /**
   * Index after the last.
   * @default {N}
   */
  readonly end?: number;
  /**
   * Widest bracket that is left, as a share of the spectrum's width; 0 bisects until no f64 lies between.
   * @default {1e-14}
   */
  readonly tolerance?: number;
}

/**
 * Eigenvalues of H in ascending order, with their multiplicity, (end - first). O(N) per eigenvalue and bit.
 *
 * @throws {UsageError} If first and end are no range inside 0..N
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { symmetricEigenvalues } from "./symmetric_eigenvalues.ts";
 * import { latticeHamiltonian } from "./tridiagonal.ts";
 * const [low, high] = symmetricEigenvalues(latticeHamiltonian([0, 0])); // of [[-2, 1], [1, -2]]
 * assertAlmostEquals(low, -3, 1e-13);
 * assertAlmostEquals(high, -1, 1e-13);
 * ```
 */
export function symmetricEigenvalues(
  h: Tridiagonal,
  options: EigenvalueOptions = {},
): Float64Array {
  const n = h.diagonal.length;
  const { first = 0, end = n, tolerance = 1e-14 } = options;
  if (
    !(Number.isInteger(first) && Number.isInteger(end) && first >= 0 && first <= end && end <= n)
  ) {
    throw new UsageError(
      `Cannot compute eigenvalues "${first}" to "${end}": expected a range inside 0..${n}`,
    );
  }
  const counter = counterOf(h);
  const brackets = startingBrackets(counter, { first, end });
  const width = tolerance * (counter.high - counter.low);
  const points = new Float64Array(4);
  const counts = new Int32Array(4);
  // Four neighbours at a time. A count also narrows every later bracket that contains its point.
  for (let k = 0; k < end - first; k += 4) {
    const lanes = Math.min(4, end - first - k);
    while (halve(brackets, { k, lanes, width, points })) {
      countFour(counter, points, counts);
      for (let lane = 0; lane < 4; lane++) {
        narrow(brackets, { point: points[lane], below: counts[lane] - first, from: k });
      }
    }
  }
  return brackets.low.map((low, k) => low / 2 + brackets.high[k] / 2);
}

/** Eigenvalue k of the wanted range lies in [low[k], high[k]]. */
interface Brackets {
  readonly low: Float64Array;
  readonly high: Float64Array;
}

function startingBrackets(
  counter: Counter,
  { first, end }: { readonly first: number; readonly end: number },
): Brackets {
  return {
    low: new Float64Array(end - first).fill(counter.low),
    high: new Float64Array(end - first).fill(counter.high),
  };
}

/** Sets the midpoints of up to four brackets; false when all are narrow. */
function halve(
  { low, high }: Brackets,
  { k, lanes, width, points }: {
    readonly k: number;
    readonly lanes: number;
    readonly width: number;
    readonly points: Float64Array;
  },
): boolean {
  let open = false;
  for (let lane = 0; lane < 4; lane++) {
    const index = k + Math.min(lane, lanes - 1);
    const middle = low[index] / 2 + high[index] / 2;
    points[lane] = middle;
    if (high[index] - low[index] > width && middle > low[index] && middle < high[index]) {
      open = true;
    }
  }
  return open;
}

/** Uses that `below` of the wanted eigenvalues are below `point`. */
function narrow(
  { low, high }: Brackets,
  { point, below, from }: { readonly point: number; readonly below: number; readonly from: number },
): void {
  // Brackets ascend, so the first one that a point no longer narrows ends the walk.
  for (let k = Math.min(below, high.length) - 1; k >= from && high[k] > point; k--) high[k] = point;
  for (let k = Math.max(below, from); k < low.length && low[k] < point; k++) low[k] = point;
}
