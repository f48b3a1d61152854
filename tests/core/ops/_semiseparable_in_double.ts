/** T + U diag(sigma) V^T in f64 at any length, T and U V^T not necessarily symmetric: O(N r^2) by Woodbury. */
import type { Complex } from "../../../core/ops/band_solve.ts";
import { inverse } from "../../../core/ops/semiseparable_by_inverse.ts";

export interface Semiseparable {
  /** lower[k] at (k + 1, k), upper[k] at (k, k + 1); lower[k] upper[k] >= 0. */
  readonly lower: readonly number[];
  readonly diagonal: readonly number[];
  readonly upper: readonly number[];
  /** (N, r), row-major. */
  readonly u: readonly number[];
  readonly v: readonly number[];
  readonly sigma: readonly number[];
}

const times = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const plus = ([a, b]: Complex, [c, d]: Complex): Complex => [a + c, b + d];
const over = ([a, b]: Complex, [c, d]: Complex): Complex => {
  const s = c * c + d * d;
  return [(a * c + b * d) / s, (b * c - a * d) / s];
};

/** (T - z)^-1 right by elimination without exchanges: for lower upper >= 0 and eta > 0 no pivot is small. */
function solve(matrix: Semiseparable, z: Complex, right: readonly number[]): Complex[] {
  const { lower, diagonal, upper } = matrix;
  const pivots: Complex[] = [];
  const x: Complex[] = [];
  diagonal.forEach((d, i) => {
    const shifted: Complex = [d - z[0], -z[1]];
    if (i === 0) {
      pivots.push(shifted);
      x.push([right[0], 0]);
      return;
    }
    const factor = over([-lower[i - 1], 0], pivots[i - 1]);
    pivots.push(plus(shifted, times(factor, [upper[i - 1], 0])));
    x.push(plus([right[i], 0], times(factor, x[i - 1])));
  });
  for (let i = diagonal.length - 1; i >= 0; i--) {
    const next = i + 1 < diagonal.length ? times([-upper[i], 0], x[i + 1]) : [0, 0] as const;
    x[i] = over(plus(x[i], next), pivots[i]);
  }
  return x;
}

/** Diagonal of (T - z)^-1 from continued fractions of both sides. */
function bandDiagonal({ lower, diagonal, upper }: Semiseparable, z: Complex): Complex[] {
  const n = diagonal.length;
  const d = diagonal.map((value): Complex => [value - z[0], -z[1]]);
  const left: Complex[] = [];
  const right = new Array<Complex>(n);
  const tied = (k: number, g: Complex): Complex => times([-lower[k] * upper[k], 0], g);
  for (let i = 0; i < n; i++) {
    left.push(over([1, 0], i > 0 ? plus(d[i], tied(i - 1, left[i - 1])) : d[i]));
  }
  for (let i = n - 1; i >= 0; i--) {
    right[i] = over([1, 0], i + 1 < n ? plus(d[i], tied(i, right[i + 1])) : d[i]);
  }
  return d.map((value, i) => {
    const before = i > 0 ? plus(value, tied(i - 1, left[i - 1])) : value;
    return over([1, 0], i + 1 < n ? plus(before, tied(i, right[i + 1])) : before);
  });
}

/** G_ii, real and imaginary parts in turn: g_ii - X_i (I + diag(sigma) V^T X)^-1 diag(sigma) Y_i^T. */
export function woodburyDiagonal(
  matrix: Semiseparable,
  { lambda, eta }: { readonly lambda: number; readonly eta: number },
): Float64Array {
  const { lower, upper, u, v, sigma } = matrix;
  const [n, r] = [matrix.diagonal.length, sigma.length];
  const z: Complex = [lambda, eta];
  const column = (of: readonly number[], a: number): number[] =>
    Array.from({ length: n }, (_, i) => of[i * r + a]);
  const transposed = { ...matrix, lower: upper, upper: lower };
  const x = sigma.map((_, a) => solve(matrix, z, column(u, a)));
  const y = sigma.map((_, a) => solve(transposed, z, column(v, a)));
  const capacitance = { size: r, re: new Float64Array(r * r), im: new Float64Array(r * r) };
  for (let a = 0; a < r; a++) {
    for (let b = 0; b < r; b++) {
      let total: Complex = [Number(a === b), 0];
      x[b].forEach((value, i) => {
        total = plus(total, times([sigma[a] * v[i * r + a], 0], value));
      });
      capacitance.re[a * r + b] = total[0];
      capacitance.im[a * r + b] = total[1];
    }
  }
  const middle = inverse(capacitance);
  const g = new Float64Array(2 * n);
  bandDiagonal(matrix, z).forEach((value, i) => {
    let total = value;
    for (let a = 0; a < r; a++) {
      for (let b = 0; b < r; b++) {
        const entry: Complex = [-middle.re[a * r + b] * sigma[b], -middle.im[a * r + b] * sigma[b]];
        total = plus(total, times(times(x[a][i], entry), y[b][i]));
      }
    }
    g.set(total, 2 * i);
  });
  return g;
}
