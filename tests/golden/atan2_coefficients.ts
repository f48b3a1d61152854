/**
 * Minimax fit of the arc tangent on [0, 1] by an odd polynomial of degree 15: r (c_0 + c_1 r^2 + ... + c_7 r^14).
 * Made the coefficients of core/ops/atan2.ts:
 *
 *   deno run tests/golden/atan2_coefficients.ts
 *
 * Source: Remez exchange, Powell, "Approximation theory and methods" (1981), chapter 8.
 */

/** Coefficients c_0 ... c_{terms - 1} in f64 and the largest error of the fit. */
export interface Fit {
  readonly coefficients: readonly number[];
  readonly error: number;
}

const GRID = 20000;

/** r P(r^2) by Horner. */
export function oddPolynomial(coefficients: readonly number[], r: number): number {
  const q = r * r;
  return r * coefficients.toReversed().reduce((sum, c) => sum * q + c, 0);
}

/** Fit whose error takes its largest value with alternating signs at terms + 1 points. */
export function fitAtan(terms: number): Fit {
  // Chebyshev points of (0, 1] to start from.
  let points = Array.from(
    { length: terms + 1 },
    (_, k) => (1 - Math.cos(Math.PI * (k + 1) / (terms + 1))) / 2,
  );
  let fit = solve(points, terms);
  for (let round = 0; round < 50; round++) {
    points = extrema(fit.coefficients);
    if (points.length !== terms + 1) {
      throw new Error(`Expected ${terms + 1} alternations, got ${points.length}`);
    }
    const next = solve(points, terms);
    const settled = Math.abs(next.error - fit.error) <= 1e-12 * next.error;
    fit = next;
    if (settled) return fit;
  }
  throw new Error("The exchange did not settle");
}

/** The polynomial with errors +E, -E, ... at the points: linear in the coefficients and E. */
function solve(points: readonly number[], terms: number): Fit {
  const rows = points.map((r, k) => [
    ...Array.from({ length: terms }, (_, j) => r ** (2 * j + 1)),
    k % 2 === 0 ? 1 : -1,
    Math.atan(r),
  ]);
  const size = terms + 1;
  for (let k = 0; k < size; k++) {
    let best = k;
    for (let i = k; i < size; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[best][k])) best = i;
    [rows[k], rows[best]] = [rows[best], rows[k]];
    for (let i = 0; i < size; i++) {
      if (i === k) continue;
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j <= size; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  const x = rows.map((row, k) => row[size] / row[k]);
  return { coefficients: x.slice(0, terms), error: Math.abs(x[terms]) };
}

/** Places of the largest errors between sign changes. */
function extrema(coefficients: readonly number[]): number[] {
  const found: number[] = [];
  let [best, sign] = [0, 0];
  const errorAt = (k: number): number =>
    oddPolynomial(coefficients, k / GRID) - Math.atan(k / GRID);
  for (let k = 1; k <= GRID; k++) {
    const error = errorAt(k);
    if (sign !== 0 && Math.sign(error) !== sign) {
      found.push(best / GRID);
      best = k;
    }
    sign = Math.sign(error);
    if (best === 0 || Math.abs(error) > Math.abs(errorAt(best))) best = k;
  }
  return [...found, best / GRID];
}

if (import.meta.main) {
  const { coefficients, error } = fitAtan(8);
  console.log(coefficients.map(Math.fround).join(",\n"));
  console.log(`largest error ${error.toExponential(2)}`);
}
