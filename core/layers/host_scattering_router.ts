/**
 * Routing by the scattering phase on the host, in f64: the definitions that the models' router runs on the device,
 * applied to a Green function that is there already. docs/mathematics.md §6.
 *
 * Symbols
 *   phi_i  arg G0_ii - arg G_ii in (-pi, pi), G0 for v = 0; the knots are its quantiles at levels j / (2E)
 */
import { quantileSorted } from "simple-statistics";
import { NumericError, UsageError } from "../errors.ts";
import { f32, i32 } from "../graph/shape.ts";
import { op as phaseRoute } from "../ops/phase_route.ts";
import type { ResolventFeatures } from "../spectral/birman_schwinger_core.ts";
import { resolventDiagonal, type ResolventDirection } from "../spectral/resolvent.ts";
import {
  latticeHamiltonian,
  requireSpectralPoint,
  type SpectralPoint,
} from "../spectral/tridiagonal.ts";

/** Settings of {@linkcode scatteringRouter}. */
export interface ScatteringRouterOptions {
  /** Experts E, >= 2. */
  readonly numExperts: number;
  /** Spectral parameter of G, from which the phase of v = 0 follows. */
  readonly z: SpectralPoint;
  /**
   * Which diagonal G is. With `bidirectional` the phase of a position depends on later ones.
   * @default {"bidirectional"}
   */
  readonly direction?: ResolventDirection;
  /**
   * Knots (2E - 1), ascending: quantiles of the phase at levels j / (2E), from other data or a trained router.
   * Without them the knots are the quantiles of the batch, so that the experts of a row depend on all rows.
   */
  readonly knots?: ArrayLike<number>;
  /**
   * Weights by a Clark measure; not available yet.
   * @default {false}
   */
  readonly useClarkMeasure?: boolean;
}

/** Experts of a batch. */
export interface ScatteringRoutes {
  /** B, N, 2. */
  readonly shape: readonly [number, number, 2];
  /** Experts, (B, N, 2) row by row, the smaller first. */
  readonly indices: Int32Array;
  /** Their weights, (B, N, 2); the two of a row sum to 1. */
  readonly weights: Float64Array;
  /** phi, (B, N). */
  readonly phases: Float64Array;
  /** Knots that were used, (2E - 1). */
  readonly knots: Float64Array;
}

/** G (B, N, 2) → experts. It has no parameters and keeps no state. */
export type ScatteringRouter = (g: ResolventFeatures) => ScatteringRoutes;

/**
 * A router without parameters: two experts per position by the phase that a potential adds to the Green function
 * of H = tridiag(1, -2, 1) + diag(v), weighted linearly between the centres of E equally likely bins. The phase is
 * exactly 0 where v = 0.
 *
 * Source: docs/mathematics.md §6 (scattering phase, running quantiles).
 *
 * @throws {UsageError} If numExperts is no integer >= 2, z is not above the real axis, or the knots are not 2E - 1
 * ascending numbers
 * @throws {UsageError} If a Clark measure is asked for, which is not available yet
 * @throws {NumericError} The router, if a value of G is not finite or lies below the real axis
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { birmanSchwingerCore } from "../spectral/birman_schwinger_core.ts";
 * import { scatteringRouter } from "./host_scattering_router.ts";
 * const z = { lambda: 0, eta: 1 };
 * const core = birmanSchwingerCore({ nSeq: 512 });
 * const v = Float64Array.from({ length: 8 * 512 }, (_, n) => 2 * Math.sin(n * n));
 * const { shape, weights } = scatteringRouter({ numExperts: 8, z })(core.evaluate(v, z));
 * assertEquals(shape, [8, 512, 2]);
 * assertEquals(weights[0] + weights[1], 1);
 * ```
 */
export function scatteringRouter(options: ScatteringRouterOptions): ScatteringRouter {
  const { numExperts, z, direction = "bidirectional" } = options;
  requireOptions(options);
  const given = options.knots && Float64Array.from(options.knots);
  return (g) => {
    const phases = scatteringPhases(g, { z, direction });
    const knots = given ?? quantileKnots(phases, numExperts);
    const [batch, n] = g.shape;
    const rows = batch * n;
    const indices = new Float64Array(2 * rows);
    const weights = new Float64Array(2 * rows);
    phaseRoute.reference({
      inputs: [f32(rows), f32(knots.length)],
      outputs: [i32(rows, 2), f32(rows, 2)],
      attributes: { k: 2 },
    }, { inputs: [phases, knots], outputs: [indices, weights] });
    return { shape: [batch, n, 2], indices: Int32Array.from(indices), weights, phases, knots };
  };
}

function requireOptions({ numExperts, z, knots, useClarkMeasure }: ScatteringRouterOptions): void {
  if (useClarkMeasure) {
    throw new UsageError(
      "Cannot make a scattering router: at useClarkMeasure: a Clark measure is not available yet; leave it out",
    );
  }
  if (!(Number.isInteger(numExperts) && numExperts >= 2)) {
    throw new UsageError(
      `Cannot make a scattering router: at numExperts: expected an integer >= 2, got "${numExperts}"`,
    );
  }
  requireSpectralPoint(z);
  if (knots === undefined) return;
  const ascending = Array.from(knots).every((knot, j) =>
    Number.isFinite(knot) && (j === 0 || knot >= knots[j - 1])
  );
  if (knots.length === 2 * numExperts - 1 && ascending) return;
  throw new UsageError(
    `Cannot make a scattering router: at knots: expected ${2 * numExperts - 1} finite numbers in ` +
      `ascending order, got "${Array.from(knots).join(", ")}"`,
  );
}

/** phi (B N) of G (B, N, 2). */
function scatteringPhases(
  { shape: [batch, n], values }: ResolventFeatures,
  at: { readonly z: SpectralPoint; readonly direction: ResolventDirection },
): Float64Array {
  if (!(batch >= 1 && n >= 1 && values.length === 2 * batch * n)) {
    throw new UsageError(
      `Cannot route a Green function of ${values.length} values: expected (B, N, 2) = (${batch}, ${n}, 2)`,
    );
  }
  const free = resolventDiagonal(latticeHamiltonian(new Float64Array(n)), at);
  return Float64Array.from({ length: batch * n }, (_, row) => {
    const [re, im] = [values[2 * row], values[2 * row + 1]];
    if (!(Number.isFinite(re) && im >= 0 && im < Infinity)) {
      throw new NumericError(
        `Cannot route by the phase of G: at sequence ${Math.floor(row / n)}, site ${
          row % n
        }: expected a ` +
          `finite number above the real axis, got "${re}" + i "${im}"`,
      );
    }
    return Math.atan2(free.im[row % n], free.re[row % n]) - Math.atan2(im, re);
  });
}

/** Sample quantiles at levels j / (2E), (2E - 1), linear between order statistics. */
function quantileKnots(phases: Float64Array, experts: number): Float64Array {
  const sorted = Array.from(phases.toSorted());
  return Float64Array.from(
    { length: 2 * experts - 1 },
    (_, j) => quantileSorted(sorted, (j + 1) / (2 * experts)),
  );
}
