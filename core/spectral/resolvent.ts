/**
 * The resolvent G = (H - z)^-1 of a tridiagonal matrix in f64 and O(N), by pivots.
 *
 * Sources
 *   [1] docs/mathematics.md §4 (pivots, diagonal, bound).
 * Symbols
 *   g, h  reciprocal left and right pivots; p_k = b_k c_k; d_i = H_ii - z
 */
import { UsageError } from "../errors.ts";
import {
  type ComplexVector,
  requireSize,
  requireSpectralPoint,
  type SpectralPoint,
  type Tridiagonal,
  tridiagonal,
} from "./tridiagonal.ts";

/** Whether position i sees its leading block H_{1..i} or all of H. */
export type ResolventDirection = "causal" | "bidirectional";

/** Which resolvent is meant. */
export interface ResolventOptions {
  /** Spectral parameter. */
  readonly z: SpectralPoint;
  /**
   * `bidirectional` lets sites to the right of i into position i.
   * @default {"bidirectional"}
   */
  readonly direction?: ResolventDirection;
}

/**
 * Reciprocal left pivots g_1 = 1/d_1, g_i = 1/(d_i - p_{i-1} g_{i-1}), (N): the last diagonal elements of the
 * resolvents of the leading blocks. |g_i| <= 1/eta and Im g_i > 0 for every N.
 *
 * @throws {UsageError} If z is not above the real axis
 */
export function leftPivots(h: Tridiagonal, z: SpectralPoint): ComplexVector {
  requireSpectralPoint(z);
  const n = h.diagonal.length;
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const p = i > 0 ? h.upper[i - 1] * h.lower[i - 1] : 0;
    const x = h.diagonal[i] - z.lambda - (i > 0 ? p * re[i - 1] : 0);
    const y = -z.eta - (i > 0 ? p * im[i - 1] : 0);
    const s = 1 / (x * x + y * y);
    re[i] = x * s;
    im[i] = -y * s;
  }
  return { re, im };
}

/**
 * Reciprocal right pivots h_N = 1/d_N, h_i = 1/(d_i - p_i h_{i+1}), (N): the left pivots of the mirror image.
 *
 * @throws {UsageError} If z is not above the real axis
 */
export function rightPivots(h: Tridiagonal, z: SpectralPoint): ComplexVector {
  const mirrored = {
    diagonal: h.diagonal.toReversed(),
    upper: h.upper.toReversed(),
    lower: h.lower.toReversed(),
  };
  const { re, im } = leftPivots(mirrored, z);
  return { re: re.reverse(), im: im.reverse() };
}

/**
 * Diagonal of the resolvent, (N): g_i, or G_ii = 1/(d_i - p_{i-1} g_{i-1} - p_i h_{i+1}).
 *
 * @throws {UsageError} If z is not above the real axis
 */
export function resolventDiagonal(h: Tridiagonal, options: ResolventOptions): ComplexVector {
  const { z, direction = "bidirectional" } = options;
  const left = leftPivots(h, z);
  if (direction === "causal") return left;
  const right = rightPivots(h, z);
  const n = h.diagonal.length;
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let x = h.diagonal[i] - z.lambda;
    let y = -z.eta;
    if (i > 0) {
      const p = h.upper[i - 1] * h.lower[i - 1];
      x -= p * left.re[i - 1];
      y -= p * left.im[i - 1];
    }
    if (i + 1 < n) {
      const p = h.upper[i] * h.lower[i];
      x -= p * right.re[i + 1];
      y -= p * right.im[i + 1];
    }
    const s = 1 / (x * x + y * y);
    re[i] = x * s;
    im[i] = -y * s;
  }
  return { re, im };
}

/**
 * diag((H - z)^-1) of H = tridiag(c, a, b), (N). a: (N); b above and c below the diagonal, (N - 1) each, with
 * b_k c_k >= 0; z = lambda + i eta with eta > 0. Positional, in the customary order of the three diagonals.
 *
 * @throws {UsageError} If sizes disagree, a coupling is negative, or z is not above the real axis
 * @throws {NumericError} If an entry is not finite
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { getTridiagonalInverseDiagonal } from "./resolvent.ts";
 * // (H - i)^-1 = (1 - i)^-1 = (1 + i) / 2
 * const { re, im } = getTridiagonalInverseDiagonal([1], [], [], { lambda: 0, eta: 1 });
 * assertEquals([re[0], im[0]], [0.5, 0.5]);
 * ```
 */
export function getTridiagonalInverseDiagonal(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  c: ArrayLike<number>,
  z: SpectralPoint,
): ComplexVector {
  return resolventDiagonal(tridiagonal({ diagonal: a, upper: b, lower: c }), { z });
}

/** (H - z)^-1 x for complex x (N) → (N), with the left pivots of (H, z). */
export type ShiftedSolver = (x: ComplexVector) => ComplexVector;

/**
 * A solver of (H - z) u = x that eliminates once and solves in O(N) each time: forward
 * y_i = g_i (x_i - c_{i-1} y_{i-1}), back u_i = y_i - g_i b_i u_{i+1}. It does not pivot: |1/g_i| >= eta.
 *
 * @throws {UsageError} If z is not above the real axis; the solver, if x is not (N)
 */
export function shiftedSolver(h: Tridiagonal, z: SpectralPoint): ShiftedSolver {
  const g = leftPivots(h, z);
  return (x) => {
    const n = requireSize(h, x);
    const re = new Float64Array(n);
    const im = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      const c = i > 0 ? h.lower[i - 1] : 0;
      const s = x.re[i] - (i > 0 ? c * re[i - 1] : 0);
      const t = x.im[i] - (i > 0 ? c * im[i - 1] : 0);
      re[i] = g.re[i] * s - g.im[i] * t;
      im[i] = g.re[i] * t + g.im[i] * s;
    }
    for (let i = n - 2; i >= 0; i--) {
      const s = h.upper[i] * re[i + 1];
      const t = h.upper[i] * im[i + 1];
      re[i] -= g.re[i] * s - g.im[i] * t;
      im[i] -= g.re[i] * t + g.im[i] * s;
    }
    return { re, im };
  };
}

/**
 * Row `row` (0-based) of the resolvent, (N): G_ij = G_ii prod_{k=j}^{i-1} (-c_k g_k) for j < i and
 * G_ii prod_{k=i}^{j-1} (-b_k h_{k+1}) for j > i. `causal` gives the last row of the resolvent of the leading
 * block that ends at the row, and zeros to its right.
 *
 * @throws {UsageError} If there is no such row, or z is not above the real axis
 */
export function resolventRow(
  h: Tridiagonal,
  row: number,
  options: ResolventOptions,
): ComplexVector {
  const { z, direction = "bidirectional" } = options;
  const n = h.diagonal.length;
  if (!Number.isInteger(row) || row < 0 || row >= n) {
    throw new UsageError(`Cannot take row "${row}" of the resolvent: expected 0..${n - 1}`);
  }
  const left = leftPivots(h, z);
  const centre = resolventDiagonal(h, options);
  const re = new Float64Array(n);
  const im = new Float64Array(n);
  re[row] = centre.re[row];
  im[row] = centre.im[row];
  const step = (
    { to, from, bond, pivot }: { to: number; from: number; bond: number; pivot: ComplexVector },
  ): void => {
    re[to] = -bond * (pivot.re[to] * re[from] - pivot.im[to] * im[from]);
    im[to] = -bond * (pivot.re[to] * im[from] + pivot.im[to] * re[from]);
  };
  for (let j = row - 1; j >= 0; j--) {
    step({ to: j, from: j + 1, bond: h.lower[j], pivot: left });
  }
  if (direction === "causal") return { re, im };
  const right = rightPivots(h, z);
  for (let j = row + 1; j < n; j++) {
    step({ to: j, from: j - 1, bond: h.upper[j - 1], pivot: right });
  }
  return { re, im };
}

/**
 * |G_ij|^2 along a row, (N): how strongly position `row` feels each site, the pattern to set beside a row of
 * attention. For symmetric H it sums to Im G_ii / eta (the Ward identity), so dividing by that gives weights.
 *
 * @throws {UsageError} If there is no such row, or z is not above the real axis
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { resolventDiagonal, squaredResolventRow } from "./resolvent.ts";
 * import { latticeHamiltonian } from "./tridiagonal.ts";
 * const h = latticeHamiltonian([0.5, -1, 2]);
 * const z = { lambda: -2, eta: 0.1 };
 * const sum = squaredResolventRow(h, 1, { z }).reduce((total, weight) => total + weight, 0);
 * assertAlmostEquals(sum, resolventDiagonal(h, { z }).im[1] / 0.1, 1e-12);
 * ```
 */
export function squaredResolventRow(
  h: Tridiagonal,
  row: number,
  options: ResolventOptions,
): Float64Array {
  const { re, im } = resolventRow(h, row, options);
  return re.map((x, j) => x * x + im[j] * im[j]);
}
