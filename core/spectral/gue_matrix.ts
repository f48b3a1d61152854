/**
 * A real tridiagonal matrix with the spectrum of the Gaussian unitary ensemble.
 *
 * Sources
 *   [1] Dumitriu and Edelman 2002, Journal of Mathematical Physics 43, 5830-5847, beta = 2.
 *   [2] Marsaglia and Tsang 2000, ACM Transactions on Mathematical Software 26, 363-372.
 * Departures
 *   The matrix of [1] is divided by sqrt(N), so that its spectrum fills [-2, 2] as N grows.
 */
import { UsageError } from "../errors.ts";
import { naturalLog } from "../random/natural_log.ts";
import { normal } from "../random/normal.ts";
import { type Stream, stream } from "../random/streams.ts";
import { uniform } from "../random/uniform.ts";
import { type Tridiagonal, tridiagonal } from "./tridiagonal.ts";

/**
 * A draw of order n from a seed: diagonal N(0, 1), bonds chi with 2 (n - k) degrees of freedom over sqrt(2) for
 * k = 1..n-1, all over sqrt(n).
 *
 * @throws {UsageError} If n is no integer >= 1
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { gueMatrix } from "./gue_matrix.ts";
 * assertEquals(gueMatrix(8, { seed: 1 }), gueMatrix(8, { seed: 1 }));
 * ```
 */
export function gueMatrix(n: number, { seed }: { readonly seed: number }): Tridiagonal {
  if (!(Number.isInteger(n) && n >= 1)) {
    throw new UsageError(`Cannot draw a matrix of order "${n}": expected an integer >= 1`);
  }
  const sites = stream(seed, "spectral/gue/diagonal");
  const bonds = gammaStreams(seed);
  const scale = 1 / Math.sqrt(n);
  const diagonal = Float64Array.from(
    { length: n },
    (_, index) => scale * normal(sites, { step: 0, index }),
  );
  // chi^2 with 2 m degrees of freedom is twice a gamma variable of shape m, so chi / sqrt(2) is its root.
  const upper = Float64Array.from(
    { length: n - 1 },
    (_, k) => scale * Math.sqrt(gammaDraw(bonds, { shape: n - 1 - k, step: k })),
  );
  return tridiagonal({ diagonal, upper, lower: upper });
}

interface GammaStreams {
  readonly normals: Stream;
  readonly uniforms: Stream;
}

function gammaStreams(seed: number): GammaStreams {
  return {
    normals: stream(seed, "spectral/gue/bond-normal"),
    uniforms: stream(seed, "spectral/gue/bond-uniform"),
  };
}

/** A gamma variable of shape >= 1 and scale 1 at a step of the streams, by the rejection of [2]. */
function gammaDraw(
  { normals, uniforms }: GammaStreams,
  { shape, step }: { readonly shape: number; readonly step: number },
): number {
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (let index = 0;; index++) {
    const x = normal(normals, { step, index });
    const cube = (1 + c * x) ** 3;
    if (cube <= 0) continue;
    const bound = x * x / 2 + d * (1 - cube + naturalLog(cube));
    if (naturalLog(uniform(uniforms, { step, index })) < bound) return d * cube;
  }
}
