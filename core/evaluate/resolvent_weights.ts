/** Which earlier tokens a token feels: rows of |G_ij|^2, the pattern to set beside a row of attention. */
import { type ComplexVector, type SpectralPoint, tridiagonal } from "../spectral/tridiagonal.ts";
import { squaredResolventRow } from "../spectral/resolvent.ts";

/**
 * Rows of the resolvents of the leading blocks, each divided by its sum, (N) rows of (N), zero right of the
 * diagonal: |G_ij|^2 = |g_i|^2 prod_{k=j}^{i-1} p_k |g_k|^2. green: pivots g, (N); coupling: p_k >= 0 between
 * tokens k and k + 1 of a symmetric H, (N - 1). docs/mathematics.md §4.3.
 */
export function causalResolventWeights(
  { green, coupling }: { readonly green: ComplexVector; readonly coupling: Float64Array },
): readonly Float64Array[] {
  const n = green.re.length;
  const square = green.re.map((x, k) => x * x + green.im[k] * green.im[k]);
  return Array.from({ length: n }, (_, i) => {
    const row = new Float64Array(n);
    // The common factor |g_i|^2 goes with the sum.
    row[i] = 1;
    for (let j = i - 1; j >= 0; j--) row[j] = row[j + 1] * coupling[j] * square[j];
    return normalised(row);
  });
}

/**
 * Rows of the resolvent of the whole text, each divided by its sum, (N) rows of (N). diagonal: (N); coupling as
 * above, (N - 1). docs/mathematics.md §4.3.
 *
 * @throws {UsageError} If a coupling is negative or z is not above the real axis
 * @throws {NumericError} If a value is not finite
 */
export function bidirectionalResolventWeights({ diagonal, coupling, z }: {
  readonly diagonal: Float64Array;
  readonly coupling: Float64Array;
  readonly z: SpectralPoint;
}): readonly Float64Array[] {
  const bonds = coupling.map(Math.sqrt);
  const h = tridiagonal({ diagonal, upper: bonds, lower: bonds });
  return Array.from(diagonal, (_, i) => normalised(squaredResolventRow(h, i, { z })));
}

function normalised(row: Float64Array): Float64Array {
  const sum = row.reduce((total, value) => total + value, 0);
  return row.map((value) => value / sum);
}
