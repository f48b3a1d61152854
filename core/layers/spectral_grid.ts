/** Energies at which a density of states is taken. docs/mathematics.md §14. */
import { ShapeError } from "../errors.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { fill } from "../ops/fill.ts";
import { linearScan } from "../ops/linear_scan.ts";
import { reshape } from "../ops/reshape.ts";
import { scale } from "../ops/scale.ts";

/** Energies first + j step for j from 0 to points - 1. */
export interface SpectralGrid {
  readonly first: number;
  /** Distance of two energies, > 0. */
  readonly step: number;
  /** At least 2. */
  readonly points: number;
}

/** An interval that contains every eigenvalue. */
export interface SpectralBounds {
  readonly low: number;
  readonly high: number;
}

/**
 * Gershgorin's interval of the tridiagonal matrix with diagonal a + v_i and couplings p_k <= pMax:
 * [a + min v - 2 sqrt(pMax), a + max v + 2 sqrt(pMax)].
 *
 * @throws {ShapeError} If there is no potential, or a number is not finite or pMax negative
 */
export function spectralBounds(
  potential: Iterable<number>,
  options: { readonly a?: number; readonly pMax: number },
): SpectralBounds {
  const { a = -2, pMax } = options;
  let [low, high] = [Infinity, -Infinity];
  for (const v of potential) {
    low = Math.min(low, v);
    high = Math.max(high, v);
  }
  const reach = 2 * Math.sqrt(pMax);
  const bounds = { low: a + low - reach, high: a + high + reach };
  if (Number.isFinite(bounds.low) && Number.isFinite(bounds.high)) return bounds;
  throw new ShapeError(
    `Cannot bound a spectrum by [${bounds.low}, ${bounds.high}]: expected finite potentials, at least one, ` +
      `and pMax >= 0, got pMax ${pMax}`,
  );
}

/**
 * The grid from low - 5 eta to high + 5 eta. A line of half-width eta needs a step of at most eta / 2.
 *
 * @throws {ShapeError} If the points are too few for eta; the message says how many it takes
 */
export function spectralGrid(
  { low, high }: SpectralBounds,
  { eta, points }: { readonly eta: number; readonly points: number },
): SpectralGrid {
  const length = high - low + 10 * eta;
  if (!(eta > 0 && length > 0 && Number.isFinite(length))) {
    throw new ShapeError(
      `Cannot lay a grid over [${low}, ${high}] for eta ${eta}: expected eta > 0 and low <= high, all finite`,
    );
  }
  const needed = 1 + Math.ceil(2 * length / eta);
  if (!(Number.isInteger(points) && points >= needed)) {
    throw new ShapeError(
      `Cannot lay a grid of ${points} points over [${low}, ${high}] for eta ${eta}: expected at least ` +
        `${needed} points, so that eta is two steps or more`,
    );
  }
  return { first: low - 5 * eta, step: length / (points - 1), points };
}

/** The energies on the host, in f64. */
export function gridValues({ first, step, points }: SpectralGrid): Float64Array {
  return Float64Array.from({ length: points }, (_, j) => first + j * step);
}

/** The energies as a tensor (M), made on the device: j is exact, then one product and one sum are rounded. */
export function gridTensor(graph: Graph, { first, step, points }: SpectralGrid): Tensor {
  const ones = fill(graph, { shape: [1, points, 1], value: 1 });
  const more = fill(graph, { shape: [1, points, 1], value: 1 });
  const counts = reshape(linearScan(ones, more), [points]); // 1, …, M
  const origin = fill(graph, { shape: [1], value: first - step });
  return add(scale(counts, step), origin);
}
