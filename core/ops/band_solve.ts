/**
 * Gaussian elimination with partial pivoting for complex tridiagonal systems, in f64: the oracle's way to
 * columns of a resolvent, which shares no pivot recurrence with the kernels.
 */

/** A complex number as [real, imaginary]. */
export type Complex = readonly [number, number];

/** A tridiagonal matrix: `lower[k]` at (k + 1, k), `diagonal[k]` at (k, k), `upper[k]` at (k, k + 1). */
export interface Tridiagonal {
  readonly lower: readonly Complex[];
  readonly diagonal: readonly Complex[];
  readonly upper: readonly Complex[];
}

const ZERO: Complex = [0, 0];

/** Solution x of M x = e_index, for the leading block of M of order `size`. */
export function solveUnit(
  matrix: Tridiagonal,
  { size, index }: { readonly size: number; readonly index: number },
): Complex[] {
  return solve(matrix, Array.from({ length: size }, (_, k) => k === index ? [1, 0] : ZERO));
}

/** Solution x of M x = b, for the leading block of M of the order of b. */
export function solve(matrix: Tridiagonal, b: readonly Complex[]): Complex[] {
  const size = b.length;
  // Row k holds columns k - 1, k, k + 1 and k + 2; the last is the fill-in of row exchanges.
  const rows: Complex[][] = Array.from({ length: size }, (_, k) => [
    k > 0 ? matrix.lower[k - 1] : ZERO,
    matrix.diagonal[k],
    k + 1 < size ? matrix.upper[k] : ZERO,
    ZERO,
  ]);
  const right = [...b];
  for (let k = 0; k + 1 < size; k++) {
    if (Math.hypot(...rows[k + 1][0]) > Math.hypot(...rows[k][1])) exchange(rows, right, k);
    const factor = divide(rows[k + 1][0], rows[k][1]);
    rows[k + 1][1] = subtract(rows[k + 1][1], multiply(factor, rows[k][2]));
    rows[k + 1][2] = subtract(rows[k + 1][2], multiply(factor, rows[k][3]));
    right[k + 1] = subtract(right[k + 1], multiply(factor, right[k]));
  }
  const x: Complex[] = new Array<Complex>(size).fill(ZERO);
  for (let k = size - 1; k >= 0; k--) {
    let value = right[k];
    if (k + 1 < size) value = subtract(value, multiply(rows[k][2], x[k + 1]));
    if (k + 2 < size) value = subtract(value, multiply(rows[k][3], x[k + 2]));
    x[k] = divide(value, rows[k][1]);
  }
  return x;
}

/** Exchanges rows k and k + 1, shifting each to the other's columns. */
function exchange(rows: Complex[][], right: Complex[], k: number): void {
  const upper = rows[k];
  const lower = rows[k + 1];
  rows[k] = [ZERO, lower[0], lower[1], lower[2]];
  rows[k + 1] = [upper[1], upper[2], upper[3], ZERO];
  [right[k], right[k + 1]] = [right[k + 1], right[k]];
}

export function multiply([a, b]: Complex, [c, d]: Complex): Complex {
  return [a * c - b * d, a * d + b * c];
}

function divide([a, b]: Complex, [c, d]: Complex): Complex {
  const s = c * c + d * d;
  return [(a * c + b * d) / s, (b * c - a * d) / s];
}

function subtract([a, b]: Complex, [c, d]: Complex): Complex {
  return [a - c, b - d];
}
