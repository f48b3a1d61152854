/**
 * Distances of densities of states on one grid, differentiable. docs/mathematics.md §14.
 *
 * Symbols
 *   F_j = step (rho_0 + … + rho_j): every point stands for a cell of one step
 */
import { expectRank, expectShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { fill } from "../ops/fill.ts";
import { linearScan } from "../ops/linear_scan.ts";
import { multiply } from "../ops/multiply.ts";
import { relu } from "../ops/relu.ts";
import { reshape } from "../ops/reshape.ts";
import { scale } from "../ops/scale.ts";
import { sum } from "../ops/sum.ts";

/** The grid of both densities. */
export interface DensityGrid {
  /** Distance of two energies, > 0. */
  readonly step: number;
}

/** rho (B, M) → cumulative distribution (B, M). @throws {ShapeError} Unless rho has rank 2 */
export function cumulativeDensity(rho: Tensor, { step }: DensityGrid): Tensor {
  expectRank("a spectral density", rho.type, { rank: 2 });
  const [batch, points] = rho.type.shape;
  const ones = fill(rho.graph, { shape: [batch, points, 1], value: 1 });
  const sums = linearScan(ones, reshape(scale(rho, step), [batch, points, 1]));
  return reshape(sums, [batch, points]);
}

/** F of the first less F of the second, (B, M). */
function gapOf(first: Tensor, second: Tensor, grid: DensityGrid): Tensor {
  expectShape("the second of two spectral densities", second.type, first.type);
  return cumulativeDensity(add(first, scale(second, -1)), grid);
}

function integrated(gap: Tensor, { step }: DensityGrid): Tensor {
  return reshape(scale(sum(gap, { axis: 1 }), step), [gap.type.shape[0]]);
}

/**
 * Wasserstein-1: integral of |F - F'|, (B, M) and (B, M) → (B), in units of energy. Where both agree at a point
 * its gradient there is 0.
 *
 * @throws {ShapeError} Unless both have one shape of rank 2
 */
export function wassersteinDistance(
  densities: readonly [Tensor, Tensor],
  grid: DensityGrid,
): Tensor {
  const gap = gapOf(densities[0], densities[1], grid);
  return integrated(add(relu(gap), relu(scale(gap, -1))), grid);
}

/**
 * Cramér: integral of (F - F')^2, (B, M) and (B, M) → (B), in units of energy.
 *
 * @throws {ShapeError} Unless both have one shape of rank 2
 */
export function cramerDistance(densities: readonly [Tensor, Tensor], grid: DensityGrid): Tensor {
  const gap = gapOf(densities[0], densities[1], grid);
  return integrated(multiply(gap, gap), grid);
}
