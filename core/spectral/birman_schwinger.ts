/**
 * The Birman-Schwinger operator K = U |V|^1/2 R0 |V|^1/2 of a potential on the lattice, with U = sign V and R0
 * the resolvent of the free Laplacian H0 = tridiag(1, -2, 1). Its size says how much V changes the resolvent.
 *
 * Sources
 *   [1] docs/mathematics.md §15.
 *   [2] Simon, Trace Ideals and Their Applications, 2nd ed. (2005), chapters 2, 3 and 7.
 * Symbols
 *   zeta  decay of R0 per site, zeta + 1/zeta = 2 + z with |zeta| < 1;   A  its value on the diagonal
 * Departures
 *   Norms take R0 on the infinite lattice, restricted to the N sites, where it is A zeta^|m-n| exactly. The
 *   determinant takes R0 on the N sites with Dirichlet ends, where it is a ratio of two determinants.
 */
import { leftPivots } from "./resolvent.ts";
import { latticeHamiltonian, requireSpectralPoint, type SpectralPoint } from "./tridiagonal.ts";

/** A complex number. */
export interface ComplexNumber {
  /** Real part. */
  readonly re: number;
  /** Imaginary part. */
  readonly im: number;
}

/** The free resolvent of the infinite lattice, R0(m, n) = amplitude decay^|m - n|. */
export interface FreeResolvent {
  /** zeta, inside the unit disc. */
  readonly decay: ComplexNumber;
  /** A = 1 / (zeta - 1/zeta); its imaginary part is positive. */
  readonly amplitude: ComplexNumber;
}

/**
 * Constants of the free resolvent. With s^2 = z (z + 4), A = -1/s and 1/zeta = (2 + z + s)/2; of the two roots
 * the one with Im s > 0 is meant, because the diagonal of a resolvent has a positive imaginary part.
 *
 * @throws {UsageError} If z is not above the real axis
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { freeResolvent } from "./birman_schwinger.ts";
 * const { decay, amplitude } = freeResolvent({ lambda: -2, eta: 1 }); // zeta + 1/zeta = i
 * assertAlmostEquals(decay.im, (1 - Math.sqrt(5)) / 2, 1e-15);
 * assertAlmostEquals(amplitude.im, 1 / Math.sqrt(5), 1e-15);
 * ```
 */
export function freeResolvent(z: SpectralPoint): FreeResolvent {
  requireSpectralPoint(z);
  const { lambda, eta } = z;
  const s = rootAboveAxis(lambda * (lambda + 4) - eta * eta, 2 * eta * (lambda + 2));
  const inverse = reciprocal({ re: (2 + lambda + s.re) / 2, im: (eta + s.im) / 2 });
  const { re, im } = reciprocal(s);
  return { decay: inverse, amplitude: { re: -re, im: -im } };
}

/** The square root of x + i y with a positive imaginary part; y = 0 needs x < 0. */
function rootAboveAxis(x: number, y: number): ComplexNumber {
  const modulus = Math.hypot(x, y);
  if (x < 0) {
    const im = Math.sqrt((modulus - x) / 2);
    return { re: y / (2 * im), im };
  }
  const re = Math.sqrt((modulus + x) / 2);
  return { re: y < 0 ? -re : re, im: Math.abs(y) / (2 * re) };
}

function reciprocal({ re, im }: ComplexNumber): ComplexNumber {
  const s = re * re + im * im;
  return { re: re / s, im: -im / s };
}

/** A determinant as the logarithm of its modulus and its phase, which is continuous in V and not reduced. */
export interface LogDeterminant {
  /** ln |det|. */
  readonly logModulus: number;
  /** Phase in radians: a sum of N differences of angles, each inside (-pi, pi). */
  readonly phase: number;
}

/**
 * det(I + K) = det(H - z) / det(H0 - z) = prod L_i(V) / L_i(0), in O(N) and without overflow. v: (N). Every -L_i
 * lies above the real axis, so its angle needs no unwrapping.
 *
 * @throws {UsageError} If v is empty, or z is not above the real axis
 * @throws {NumericError} If a value is not finite
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { birmanSchwingerLogDeterminant } from "./birman_schwinger.ts";
 * // One site: (-2 + 2 - i) / (-2 - i) = (1 + 2i) / 5
 * const { logModulus } = birmanSchwingerLogDeterminant([2], { lambda: 0, eta: 1 });
 * assertAlmostEquals(logModulus, -Math.log(5) / 2, 1e-15);
 * ```
 */
export function birmanSchwingerLogDeterminant(
  v: ArrayLike<number>,
  z: SpectralPoint,
): LogDeterminant {
  const perturbed = leftPivots(latticeHamiltonian(v), z);
  const free = leftPivots(latticeHamiltonian(new Float64Array(v.length)), z);
  let logModulus = 0;
  let phase = 0;
  for (let i = 0; i < v.length; i++) {
    logModulus += Math.log(Math.hypot(free.re[i], free.im[i])) -
      Math.log(Math.hypot(perturbed.re[i], perturbed.im[i]));
    // -L = -conj(g) / |g|^2
    phase += Math.atan2(perturbed.im[i], -perturbed.re[i]) - Math.atan2(free.im[i], -free.re[i]);
  }
  return { logModulus, phase };
}

/**
 * Hilbert-Schmidt norm ||K||_2 exactly, in O(N): |A|^2 sum_m |V_m| (|V_m| + 2 S_m) under the root, where
 * S_1 = 0 and S_{m+1} = |zeta|^2 (S_m + |V_m|). v: (N).
 *
 * @throws {UsageError} If z is not above the real axis
 */
export function hilbertSchmidtNorm(v: ArrayLike<number>, z: SpectralPoint): number {
  const { decay, amplitude } = freeResolvent(z);
  const ratio = decay.re * decay.re + decay.im * decay.im;
  let behind = 0;
  let sum = 0;
  for (let m = 0; m < v.length; m++) {
    const size = Math.abs(v[m]);
    sum += size * (size + 2 * behind);
    behind = ratio * (behind + size);
  }
  return Math.hypot(amplitude.re, amplitude.im) * Math.sqrt(sum);
}

/**
 * Upper bound ||K||_2 <= ||V||_2 sqrt(Im A / eta), from the Ward identity sum_n |R0(m, n)|^2 = Im A / eta. v: (N).
 *
 * @throws {UsageError} If z is not above the real axis
 */
export function hilbertSchmidtBound(v: ArrayLike<number>, z: SpectralPoint): number {
  let squares = 0;
  for (let m = 0; m < v.length; m++) squares += v[m] * v[m];
  return Math.sqrt(squares * freeResolvent(z).amplitude.im / z.eta);
}

/**
 * Upper bound ||K||_1 <= ||V||_1 / eta of the trace norm. v: (N). The trace norm itself has no O(N) formula.
 *
 * @throws {UsageError} If z is not above the real axis
 */
export function traceNormBound(v: ArrayLike<number>, z: SpectralPoint): number {
  requireSpectralPoint(z);
  let sum = 0;
  for (let m = 0; m < v.length; m++) sum += Math.abs(v[m]);
  return sum / z.eta;
}
