import { NumericError, UsageError } from "../errors.ts";

/** A real tridiagonal matrix H of order N, in f64, whose couplings upper[k] lower[k] are not negative. */
export interface Tridiagonal {
  /** Entries (k, k), (N). */
  readonly diagonal: Float64Array;
  /** b_k, entries (k, k + 1), (N - 1). */
  readonly upper: Float64Array;
  /** c_k, entries (k + 1, k), (N - 1). */
  readonly lower: Float64Array;
}

/** A spectral parameter z = lambda + i eta off the real axis. */
export interface SpectralPoint {
  /** Real part. */
  readonly lambda: number;
  /** Imaginary part, > 0. */
  readonly eta: number;
}

/** N complex numbers, real and imaginary parts apart. */
export interface ComplexVector {
  /** Real parts, (N). */
  readonly re: Float64Array;
  /** Imaginary parts, (N). */
  readonly im: Float64Array;
}

/** The three diagonals from which {@linkcode tridiagonal} makes a matrix. */
export interface TridiagonalParts {
  /** (N) with N >= 1. */
  readonly diagonal: ArrayLike<number>;
  /** (N - 1), above the diagonal. */
  readonly upper: ArrayLike<number>;
  /** (N - 1), below the diagonal. */
  readonly lower: ArrayLike<number>;
}

/**
 * Checks and copies three diagonals. The couplings must not be negative: then a diagonal similarity makes H
 * symmetric, its eigenvalues are real, and no pivot of H - z is nearer to 0 than eta (docs/mathematics.md §4.4).
 *
 * @throws {UsageError} If the sizes are not (N), (N - 1), (N - 1), or a coupling is negative
 * @throws {NumericError} If an entry is not finite
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { tridiagonal } from "./tridiagonal.ts";
 * assertEquals(tridiagonal({ diagonal: [1, 2], upper: [3], lower: [4] }).upper[0], 3);
 * ```
 */
export function tridiagonal(parts: TridiagonalParts): Tridiagonal {
  const n = parts.diagonal.length;
  const sizes = [n, parts.upper.length, parts.lower.length];
  if (n < 1 || sizes[1] !== n - 1 || sizes[2] !== n - 1) {
    throw new UsageError(
      "Cannot make a tridiagonal matrix: expected diagonal (N), upper (N - 1) and lower (N - 1) " +
        `with N >= 1, got (${sizes.join("), (")})`,
    );
  }
  const matrix = {
    diagonal: finiteCopy(parts.diagonal, "diagonal"),
    upper: finiteCopy(parts.upper, "upper"),
    lower: finiteCopy(parts.lower, "lower"),
  };
  const negative = matrix.upper.findIndex((b, k) => b * matrix.lower[k] < 0);
  if (negative >= 0) {
    throw new UsageError(
      `Cannot make a tridiagonal matrix: at upper[${negative}] lower[${negative}]: expected a ` +
        `product >= 0, got ${matrix.upper[negative]} and ${matrix.lower[negative]}`,
    );
  }
  return matrix;
}

/**
 * The discrete Laplacian plus a potential, H = tridiag(1, -2, 1) + diag(v): what BK-Core inverts. v: (N), N >= 1.
 *
 * @throws {UsageError} If v is empty
 * @throws {NumericError} If a value is not finite
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { latticeHamiltonian } from "./tridiagonal.ts";
 * assertEquals([...latticeHamiltonian([0, 3]).diagonal], [-2, 1]);
 * ```
 */
export function latticeHamiltonian(v: ArrayLike<number>): Tridiagonal {
  if (v.length === 0) {
    throw new UsageError(
      "Cannot make a lattice Hamiltonian: expected a potential (N), got no value",
    );
  }
  const diagonal = finiteCopy(v, "v");
  for (let k = 0; k < diagonal.length; k++) diagonal[k] -= 2;
  const bonds = new Float64Array(diagonal.length - 1).fill(1);
  return { diagonal, upper: bonds, lower: bonds };
}

/** H with rows and columns exchanged. Shares memory with the argument. */
export function transposed(h: Tridiagonal): Tridiagonal {
  return { diagonal: h.diagonal, upper: h.lower, lower: h.upper };
}

/** Whether upper and lower entries are equal, so that H is real symmetric. */
export function isSymmetric(h: Tridiagonal): boolean {
  return h.upper.every((b, k) => b === h.lower[k]);
}

/**
 * Checks that z is finite and lies above the real axis.
 *
 * @throws {UsageError} Otherwise
 */
export function requireSpectralPoint(z: SpectralPoint): void {
  if (Number.isFinite(z.lambda) && z.eta > 0 && z.eta < Infinity) return;
  throw new UsageError(
    `Cannot use z = "${z.lambda}" + i "${z.eta}": expected a finite lambda and a finite eta > 0`,
  );
}

/** (H - z) x for complex x (N) → (N), in O(N). */
export function multiplyShifted(
  h: Tridiagonal,
  x: ComplexVector,
  { lambda, eta }: SpectralPoint,
): ComplexVector {
  const n = requireSize(h, x);
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const d = h.diagonal[i] - lambda;
    re[i] = d * x.re[i] + eta * x.im[i];
    im[i] = d * x.im[i] - eta * x.re[i];
    if (i > 0) {
      re[i] += h.lower[i - 1] * x.re[i - 1];
      im[i] += h.lower[i - 1] * x.im[i - 1];
    }
    if (i + 1 < n) {
      re[i] += h.upper[i] * x.re[i + 1];
      im[i] += h.upper[i] * x.im[i + 1];
    }
  }
  return { re, im };
}

/**
 * The order N of H, which must be the size of x.
 *
 * @throws {UsageError} If it is not
 */
export function requireSize(h: Tridiagonal, x: ComplexVector): number {
  const n = h.diagonal.length;
  if (x.re.length === n && x.im.length === n) return n;
  throw new UsageError(
    `Cannot use a vector of size (${x.re.length}) and (${x.im.length}) with a matrix of order ${n}: ` +
      `expected (${n}) real and (${n}) imaginary parts`,
  );
}

function finiteCopy(values: ArrayLike<number>, name: string): Float64Array {
  const copy = new Float64Array(values);
  const wrong = copy.findIndex((value) => !Number.isFinite(value));
  if (wrong < 0) return copy;
  throw new NumericError(
    `Cannot make a tridiagonal matrix: at ${name}[${wrong}]: expected a finite number, ` +
      `got "${copy[wrong]}"`,
  );
}
