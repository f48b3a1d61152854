/**
 * The diagonal of a tridiagonal resolvent and its gradient from their definitions, in f64: the oracle of
 * bk_core. docs/mathematics.md §4 and §5.
 */
import { type Complex, multiply, solveUnit, type Tridiagonal } from "./band_solve.ts";

/** One chain. H carries bonds p_k above and 1 below its diagonal, which leaves the diagonal of the inverse as it is. */
export interface Chain {
  /** a + v_i, (N). */
  readonly diagonal: readonly number[];
  /** p_k >= 0, (N - 1). */
  readonly couplings: readonly number[];
  readonly lambda: number;
  readonly eta: number;
  readonly mode: "causal" | "bidirectional";
}

/** Gradient of Re sum_i conj-cotangent_i g_i. */
export interface ChainGradient {
  readonly diagonal: Float64Array;
  readonly couplings: Float64Array;
  /** By the eta of every site, (N); the gradient by the common eta is their sum. */
  readonly eta: Float64Array;
  /** By the lambda of every site, (N). */
  readonly lambda: Float64Array;
}

function matrixOf({ diagonal, couplings, lambda, eta }: Chain): Tridiagonal {
  return {
    lower: couplings.map(() => [1, 0] as const),
    diagonal: diagonal.map((d) => [d - lambda, -eta] as const),
    upper: couplings.map((p) => [p, 0] as const),
  };
}

/** Order of the block whose resolvent position i reads. */
function blockSize(chain: Chain, i: number): number {
  return chain.mode === "causal" ? i + 1 : chain.diagonal.length;
}

/** Real and imaginary parts in turn, (2 N): element ii of (H - z)^-1, or of that of the leading block ending at i. */
export function resolventDiagonal(chain: Chain): Float64Array {
  const matrix = matrixOf(chain);
  const g = new Float64Array(2 * chain.diagonal.length);
  for (let i = 0; i < chain.diagonal.length; i++) {
    g.set(solveUnit(matrix, { size: blockSize(chain, i), index: i })[i], 2 * i);
  }
  return g;
}

/**
 * Gradient for the cotangents `dg` (2 N), from dG = -G dH G: the derivative of G_ii by d_j is -G_ij G_ji, by
 * p_k it is -G_ik G_{k+1,i}, and by z it is sum_j G_ij G_ji.
 */
export function resolventGradient(chain: Chain, dg: Float64Array): ChainGradient {
  const matrix = matrixOf(chain);
  const transposed = { ...matrix, lower: matrix.upper, upper: matrix.lower };
  const n = chain.diagonal.length;
  const diagonal = new Float64Array(n);
  const couplings = new Float64Array(Math.max(0, n - 1));
  const eta = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const size = blockSize(chain, i);
    const column = solveUnit(matrix, { size, index: i });
    const row = solveUnit(transposed, { size, index: i });
    const weight: Complex = [dg[2 * i], -dg[2 * i + 1]];
    for (let j = 0; j < size; j++) {
      const term = multiply(weight, multiply(row[j], column[j]));
      diagonal[j] -= term[0];
      eta[j] -= term[1];
      if (j + 1 < size) couplings[j] -= multiply(weight, multiply(row[j], column[j + 1]))[0];
    }
  }
  return { diagonal, couplings, lambda: diagonal.map((x) => -x), eta };
}
