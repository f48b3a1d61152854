/**
 * Density of states of a tridiagonal matrix, smoothed by a Lorentz curve. docs/mathematics.md §14.
 *
 * Symbols
 *   rho_N(lambda) = Im tr (H - lambda - i eta)^-1 / (pi N): non-negative, with integral 1 over the real line
 *
 * It reads whole sequences and nothing per position, so it belongs into a loss or a diagnostic and not between
 * layers of a causal model.
 */
import { expectRank } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { bkCore } from "../ops/bk_core.ts";
import type { BkBounds } from "../ops/bk_forms.ts";
import { repeat } from "../ops/repeat.ts";
import { reshape } from "../ops/reshape.ts";
import { scale } from "../ops/scale.ts";
import { slice } from "../ops/slice.ts";
import { sum } from "../ops/sum.ts";

/** Where and of which matrix the density is taken. */
export interface SpectralDensityOptions {
  /** Couplings p_k >= 0: (N - 1), or (1) for one value at all sites. */
  readonly p: Tensor;
  /** Energies (M). */
  readonly lambda: Tensor;
  /** Half-width of the smoothing, > 0: (1), or (M). At least two steps of the grid. */
  readonly eta: Tensor;
  /** Constant part of the diagonal. @default -2 */
  readonly a?: number;
  /** Bounds that allow long chains to be walked in chunks. @default none: one invocation per chain */
  readonly bounds?: BkBounds;
}

/**
 * Potentials v (B, N) → rho (B, M), in states per site and unit of energy. Exact gradients for v, p, lambda and
 * eta; B M N complex numbers are stored.
 *
 * @throws {ShapeError} On shapes that do not belong together
 */
export function spectralDensity(v: Tensor, options: SpectralDensityOptions): Tensor {
  const { p, lambda, eta, ...rest } = options;
  expectRank("the potential of a spectral density", v.type, { rank: 2 });
  expectRank("the energies of a spectral density", lambda.type, { rank: 1 });
  const [batch, n] = v.type.shape;
  const [points] = lambda.type.shape;
  const channels = repeat(reshape(v, [batch, 1, n]), { axis: 1, count: points }); // (B, M, N)
  const g = bkCore({ v: channels, p, eta, lambda }, { ...rest, mode: "bidirectional" }); // (B, M, N, 2)
  const trace = sum(g, { axis: 2 }); // (B, M, 1, 2)
  const imaginary = slice(trace, { axis: 3, from: 1, to: 2 }); // (B, M, 1, 1)
  return reshape(scale(imaginary, 1 / (Math.PI * n)), [batch, points]);
}

/** rho (B, M) → its mean over the batch (1, M): the density of the direct sum of the B matrices. */
export function meanDensity(rho: Tensor): Tensor {
  expectRank("a spectral density", rho.type, { rank: 2 });
  return scale(sum(rho, { axis: 0 }), 1 / rho.type.shape[0]);
}
