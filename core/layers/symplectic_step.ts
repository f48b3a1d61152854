/**
 * Velocity Verlet: a block that loses no information.
 *
 * Sources
 *   [1] Hairer, Lubich and Wanner, "Geometric numerical integration" (2006), section I.1.4.
 * Symbols
 *   q  positions, p  momenta, of one shape;  F  force;  dt  step
 *   p_half = p + dt/2 F(q),  q' = q + dt p_half,  p' = p_half + dt/2 F(q')
 * Departures
 *   F is a layer and no gradient of a potential, so the map is reversible and keeps volume, but is not symplectic.
 */
import type { Tensor } from "../graph/tensor.ts";
import { add } from "../ops/add.ts";
import { scale } from "../ops/scale.ts";

/** Positions and momenta. */
export interface PhasePoint {
  readonly q: Tensor;
  readonly p: Tensor;
}

/** The force at positions; `evaluation` is 0 at q and 1 at q', with the same parameters. */
export type Force = (q: Tensor, evaluation: 0 | 1) => Tensor;

/** One step of length `dt`. With -dt from the result it gives the start back. */
export function symplecticStep({ q, p }: PhasePoint, step: {
  readonly force: Force;
  readonly dt: number;
}): PhasePoint {
  const { force, dt } = step;
  const half = add(p, scale(force(q, 0), dt / 2));
  const next = add(q, scale(half, dt));
  return { q: next, p: add(half, scale(force(next, 1), dt / 2)) };
}
