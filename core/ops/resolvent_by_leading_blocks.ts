/**
 * The resolvent mixer and its gradient from their definitions, in f64: y_i is the last element of
 * (H_{1..i} - z)^{-1} x_{1..i}. docs/mathematics.md §12.
 */
import { type Complex, multiply, solve, type Tridiagonal } from "./band_solve.ts";

/** One head of one sequence. */
export interface ResolventChain {
  /** d_i = a + v_i - lambda - i eta_i, (N). */
  readonly diagonal: readonly Complex[];
  /** t_i between i - 1 and i, (N); the first is not used. */
  readonly bonds: readonly number[];
}

/** Gradients by d_i, by t_i and by x; the first are complex: of v the real, of eta the imaginary part. */
export interface ResolventChainGradient {
  readonly diagonal: readonly Complex[];
  readonly bonds: Float64Array;
  /** By column, (columns, N). */
  readonly x: readonly Float64Array[];
}

const ZERO: Complex = [0, 0];

function plus([a, b]: Complex, [c, d]: Complex): Complex {
  return [a + c, b + d];
}

/** The diagonal that has given pivots: d_i = 1 / g_i + t_i^2 g_{i-1}. */
export function diagonalOf(g: readonly Complex[], bonds: readonly number[]): readonly Complex[] {
  return g.map(([re, im], i) => {
    const size = re * re + im * im;
    const p = i === 0 ? 0 : bonds[i] ** 2;
    const [beforeRe, beforeIm] = i === 0 ? ZERO : g[i - 1];
    return [re / size + p * beforeRe, -im / size + p * beforeIm];
  });
}

/** (H_{1..i} - z)^{-1} applied to `right` of length i. */
function resolve({ diagonal, bonds }: ResolventChain, right: readonly Complex[]): Complex[] {
  const coupling = bonds.slice(1, right.length).map((t): Complex => [t, 0]);
  const matrix: Tridiagonal = { lower: coupling, diagonal, upper: coupling };
  return solve(matrix, right);
}

function unit(size: number): Complex[] {
  return Array.from({ length: size }, (_, k) => k + 1 === size ? [1, 0] : ZERO);
}

/** Row i of the causal factor, T_ij for j <= i: last row, hence last column, of a symmetric matrix. */
export function causalRow(chain: ResolventChain, i: number): readonly Complex[] {
  return resolve(chain, unit(i + 1));
}

/** sum_j row_j x_j. */
export function applyRow(row: readonly Complex[], x: (j: number) => Complex): Complex {
  return row.reduce<Complex>((sum, factor, j) => plus(sum, multiply(factor, x(j))), ZERO);
}

/**
 * Gradient of Re sum_i (w_i g_i + sum over columns of wy_i y_i), from dR = -R dH R for R the resolvent of a leading
 * block: with s = sum over columns of wy_i x + w_i e_i, q = R s and r = R e_i, the derivative by d_k is
 * -r_k q_k, by t_k it is -r_{k-1} q_k - r_k q_{k-1}.
 */
export function causalGradient(chain: ResolventChain, given: {
  /** By column, (columns, N). */
  readonly x: readonly Float64Array[];
  /** Conjugate cotangents of y by column. */
  readonly wy: (column: number, i: number) => Complex;
  /** Conjugate cotangents of g. */
  readonly w: (i: number) => Complex;
}): ResolventChainGradient {
  const n = chain.diagonal.length;
  const diagonal = new Array<Complex>(n).fill(ZERO);
  const bonds = new Float64Array(n);
  const x = given.x.map(() => new Float64Array(n));
  for (let i = 0; i < n; i++) {
    const weights = given.x.map((_, column) => given.wy(column, i));
    const s = Array.from({ length: i + 1 }, (_, k): Complex =>
      weights.reduce<Complex>(
        (sum, wy, column) => plus(sum, multiply(wy, [given.x[column][k], 0])),
        k === i ? given.w(i) : ZERO,
      ));
    const q = resolve(chain, s);
    const r = causalRow(chain, i);
    for (let k = 0; k <= i; k++) {
      const [re, im] = multiply(r[k], q[k]);
      diagonal[k] = plus(diagonal[k], [-re, -im]);
      if (k > 0) bonds[k] -= multiply(r[k - 1], q[k])[0] + multiply(r[k], q[k - 1])[0];
      weights.forEach((wy, column) => x[column][k] += multiply(wy, r[k])[0]);
    }
  }
  return { diagonal, bonds, x };
}
