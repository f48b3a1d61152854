/**
 * The resolvent of a tridiagonal matrix plus a low-rank one as a dense inverse in f64: the oracle of
 * semiseparable_diagonal, which knows neither pivots nor the identity of Woodbury. docs/mathematics.md §13.
 */

/** H = T + U diag(sigma) U^T, one chain of N sites. T is symmetric. */
export interface DenseChain {
  /** a + v_i, (N). */
  readonly diagonal: readonly number[];
  /** p_k >= 0, (N - 1); the entries beside the diagonal are their square roots. */
  readonly couplings: readonly number[];
  /** (N, r), row-major. */
  readonly u: Float64Array;
  /** (r). */
  readonly sigma: Float64Array;
  readonly lambda: number;
  readonly eta: number;
}

/** A complex N x N matrix, row-major. */
export interface ComplexMatrix {
  readonly size: number;
  readonly re: Float64Array;
  readonly im: Float64Array;
}

/** (H - z)^-1 by elimination with row exchanges. */
export function denseResolvent(chain: DenseChain): ComplexMatrix {
  const { diagonal, couplings, u, sigma, lambda, eta } = chain;
  const size = diagonal.length;
  const re = new Float64Array(size * size);
  const im = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      sigma.forEach((s, a) =>
        re[i * size + j] += u[i * sigma.length + a] * s * u[j * sigma.length + a]
      );
    }
    re[i * size + i] += diagonal[i] - lambda;
    im[i * size + i] = -eta;
    if (i + 1 === size) continue;
    re[i * size + i + 1] += Math.sqrt(couplings[i]);
    re[(i + 1) * size + i] += Math.sqrt(couplings[i]);
  }
  return inverse({ size, re, im });
}

/** Diagonal of a matrix, real and imaginary parts in turn, (2 N). */
export function diagonalOf({ size, re, im }: ComplexMatrix): Float64Array {
  return Float64Array.from({ length: 2 * size }, (_, i) => {
    const at = Math.floor(i / 2) * (size + 1);
    return i % 2 === 0 ? re[at] : im[at];
  });
}

/** G diag(w) G with w = dRe - i dIm of the cotangents dg (2 N): d Re sum w_i G_ii = -Re tr(P dH). */
export function weightedSquare(resolvent: ComplexMatrix, dg: Float64Array): ComplexMatrix {
  const { size, re, im } = resolvent;
  const weighted = { size, re: new Float64Array(size * size), im: new Float64Array(size * size) };
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) {
      const at = i * size + j;
      weighted.re[at] = dg[2 * i] * re[at] + dg[2 * i + 1] * im[at];
      weighted.im[at] = dg[2 * i] * im[at] - dg[2 * i + 1] * re[at];
    }
  }
  return product(resolvent, weighted);
}

function product(a: ComplexMatrix, b: ComplexMatrix): ComplexMatrix {
  const { size } = a;
  const found = { size, re: new Float64Array(size * size), im: new Float64Array(size * size) };
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < size; k++) {
      const [x, y] = [a.re[i * size + k], a.im[i * size + k]];
      for (let j = 0; j < size; j++) {
        found.re[i * size + j] += x * b.re[k * size + j] - y * b.im[k * size + j];
        found.im[i * size + j] += x * b.im[k * size + j] + y * b.re[k * size + j];
      }
    }
  }
  return found;
}

/** Inverse of a complex matrix by Gauss and Jordan's elimination with row exchanges; `given` is destroyed. */
export function inverse(given: ComplexMatrix): ComplexMatrix {
  const { size } = given;
  const found = { size, re: new Float64Array(size * size), im: new Float64Array(size * size) };
  for (let i = 0; i < size; i++) found.re[i * (size + 1)] = 1;
  for (let k = 0; k < size; k++) {
    let best = k;
    for (let i = k + 1; i < size; i++) {
      if (modulus(given, i * size + k) > modulus(given, best * size + k)) best = i;
    }
    const at = best * size + k;
    const length = given.re[at] ** 2 + given.im[at] ** 2;
    const scale: readonly [number, number] = [given.re[at] / length, -given.im[at] / length];
    for (const matrix of [given, found]) {
      exchangeRows(matrix, k, best);
      addRow(matrix, { from: k, to: k, factor: [scale[0] - 1, scale[1]] });
    }
    for (let i = 0; i < size; i++) {
      if (i === k) continue;
      const factor = [-given.re[i * size + k], -given.im[i * size + k]] as const;
      for (const matrix of [given, found]) addRow(matrix, { from: k, to: i, factor });
    }
  }
  return found;
}

function modulus({ re, im }: ComplexMatrix, at: number): number {
  return Math.hypot(re[at], im[at]);
}

function exchangeRows({ size, re, im }: ComplexMatrix, one: number, other: number): void {
  for (const part of [re, im]) {
    const kept = part.slice(one * size, (one + 1) * size);
    part.copyWithin(one * size, other * size, (other + 1) * size);
    part.set(kept, other * size);
  }
}

/** Row `to` += factor * row `from`; with both the same, the row is multiplied by 1 + factor. */
function addRow({ size, re, im }: ComplexMatrix, options: {
  readonly from: number;
  readonly to: number;
  readonly factor: readonly [number, number];
}): void {
  const { from, to, factor: [x, y] } = options;
  for (let j = 0; j < size; j++) {
    const [a, b] = [re[from * size + j], im[from * size + j]];
    re[to * size + j] += x * a - y * b;
    im[to * size + j] += x * b + y * a;
  }
}
