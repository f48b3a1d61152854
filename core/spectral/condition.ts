import { UsageError } from "../errors.ts";
import { type LinearMap, operatorNorm } from "./operator_norm.ts";
import { shiftedSolver } from "./resolvent.ts";
import {
  type ComplexVector,
  isSymmetric,
  multiplyShifted,
  type SpectralPoint,
  type Tridiagonal,
} from "./tridiagonal.ts";

/**
 * Upper bound of the condition number of the solve, kappa_2(H - z) <= (||H|| + |z|) / eta, with
 * ||H|| <= max |H_kk| + 2 max |b_k|. It holds for every symmetric H because ||(H - z)^-1|| <= 1 / eta.
 *
 * @throws {UsageError} If H is not symmetric
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { conditionBound } from "./condition.ts";
 * import { latticeHamiltonian } from "./tridiagonal.ts";
 * assertEquals(conditionBound(latticeHamiltonian([0, 0, 0]), { lambda: 0, eta: 1 }), 5);
 * ```
 */
export function conditionBound(h: Tridiagonal, { lambda, eta }: SpectralPoint): number {
  requireSymmetric(h);
  const largest = (values: Float64Array): number =>
    values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return (largest(h.diagonal) + 2 * largest(h.upper) + Math.hypot(lambda, eta)) / eta;
}

/**
 * Estimate of kappa_2(H - z) = ||H - z|| ||(H - z)^-1|| from below, by power iterations with O(N) products and
 * solves. At most `maxRounds` rounds each, so the cost is linear in N.
 *
 * @throws {UsageError} If H is not symmetric, or z is not above the real axis
 */
export function conditionEstimate(
  h: Tridiagonal,
  z: SpectralPoint,
  { maxRounds = 60 }: { readonly maxRounds?: number } = {},
): number {
  requireSymmetric(h);
  const solve = shiftedSolver(h, z);
  const size = h.diagonal.length;
  const forward = (x: ComplexVector): ComplexVector => multiplyShifted(h, x, z);
  const settings = { size, tolerance: 1e-4, maxRounds };
  const norm = operatorNorm(forward, { ...settings, adjoint: adjointOf(forward) });
  const inverse = operatorNorm(solve, { ...settings, adjoint: adjointOf(solve) });
  return norm.value * inverse.value;
}

/** M* x = conj(M conj(x)), for a complex symmetric M such as H - z and its inverse. */
export function adjointOf(map: LinearMap): LinearMap {
  return (x) => conjugate(map(conjugate(x)));
}

function conjugate({ re, im }: ComplexVector): ComplexVector {
  const negated = new Float64Array(im.length);
  for (let i = 0; i < im.length; i++) negated[i] = -im[i];
  return { re, im: negated };
}

/**
 * Checks that H is real symmetric.
 *
 * @throws {UsageError} If it is not
 */
export function requireSymmetric(h: Tridiagonal): void {
  if (isSymmetric(h)) return;
  const k = h.upper.findIndex((b, index) => b !== h.lower[index]);
  throw new UsageError(
    `Cannot bound a resolvent: at upper[${k}]: expected lower[${k}] = ${h.lower[k]}, ` +
      `got ${h.upper[k]}; make the matrix symmetric, with bonds sqrt(b_k c_k)`,
  );
}
