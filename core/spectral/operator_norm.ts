import { type Stream, stream } from "../random/streams.ts";
import { uniform } from "../random/uniform.ts";
import type { ComplexVector } from "./tridiagonal.ts";

/** A linear map of complex vectors, (N) → (N). */
export type LinearMap = (x: ComplexVector) => ComplexVector;

/** What {@linkcode operatorNorm} needs. */
export interface OperatorNormOptions {
  /** The adjoint M* of the map. */
  readonly adjoint: LinearMap;
  /** Size N of the vectors. */
  readonly size: number;
  /**
   * Relative growth per round at which the iteration ends.
   * @default {1e-6}
   */
  readonly tolerance?: number;
  /**
   * Most rounds.
   * @default {200}
   */
  readonly maxRounds?: number;
  /**
   * Where the start vector is drawn from.
   * @default {stream(0, "spectral/operator-norm")}
   */
  readonly from?: Stream;
}

/** A spectral norm from below. */
export interface NormEstimate {
  /** ||M x|| for the last unit vector x: never above ||M||_2. */
  readonly value: number;
  /** Products with M and M* that were made, in pairs. */
  readonly rounds: number;
  /** Whether the growth fell below the tolerance. A slow iteration may do so some way below the norm. */
  readonly settled: boolean;
}

/**
 * Estimate of the spectral norm ||M||_2 by power iteration on M* M. ||M x|| for unit x is a lower bound, and it
 * does not fall from round to round; how near it comes depends on the gap below the largest singular value.
 *
 * Source: Golub and Van Loan, Matrix Computations, 4th ed. (2013), section 8.2.1.
 */
export function operatorNorm(map: LinearMap, options: OperatorNormOptions): NormEstimate {
  const { adjoint, size, tolerance = 1e-6, maxRounds = 200 } = options;
  const from = options.from ?? stream(0, "spectral/operator-norm");
  let x = unit(randomVector(size, from));
  let value = 0;
  for (let round = 1; round <= maxRounds; round++) {
    const image = map(x);
    const grown = lengthOf(image);
    const settled = grown <= value * (1 + tolerance);
    value = Math.max(value, grown);
    // A map that sends a random vector to 0 or out of the finite numbers has nothing to iterate.
    if (settled || !(grown > 0 && grown < Infinity)) return { value, rounds: round, settled };
    x = unit(adjoint(image));
  }
  return { value, rounds: maxRounds, settled: false };
}

/** Real parts uniform on (-1/2, 1/2): no singular vector is orthogonal to it but by a chance of 0. */
function randomVector(size: number, from: Stream): ComplexVector {
  const re = new Float64Array(size);
  for (let index = 0; index < size; index++) re[index] = uniform(from, { step: 0, index }) - 0.5;
  return { re, im: new Float64Array(size) };
}

function lengthOf({ re, im }: ComplexVector): number {
  let sum = 0;
  for (let i = 0; i < re.length; i++) sum += re[i] * re[i] + im[i] * im[i];
  return Math.sqrt(sum);
}

function unit(x: ComplexVector): ComplexVector {
  const scale = 1 / lengthOf(x);
  const re = new Float64Array(x.re.length);
  const im = new Float64Array(x.re.length);
  for (let i = 0; i < re.length; i++) {
    re[i] = scale * x.re[i];
    im[i] = scale * x.im[i];
  }
  return { re, im };
}
