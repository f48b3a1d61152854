/** Complex vectors in tests of core/spectral. */
import type { ComplexVector } from "../../../core/spectral/tridiagonal.ts";

/** Real and imaginary parts as golden files hold them. */
export interface Parts {
  readonly re: readonly number[];
  readonly im: readonly number[];
}

export function vectorOf({ re, im }: Parts): ComplexVector {
  return { re: Float64Array.from(re), im: Float64Array.from(im) };
}

/** Fails unless the vectors agree to `relative` of the expected one's largest modulus; NaN fails. */
export function assertVectorClose(
  [what, actual]: readonly [string, ComplexVector],
  expected: Parts,
  relative: number,
): void {
  const n = expected.re.length;
  if (actual.re.length !== n || actual.im.length !== n) {
    throw new Error(`${what}: expected ${n} numbers, got ${actual.re.length}`);
  }
  let scale = 0;
  let error = 0;
  for (let i = 0; i < n; i++) {
    scale = Math.max(scale, Math.hypot(expected.re[i], expected.im[i]));
    // Math.max passes NaN on.
    error = Math.max(
      error,
      Math.hypot(actual.re[i] - expected.re[i], actual.im[i] - expected.im[i]),
    );
  }
  if (!(error <= relative * scale)) throw new Error(`${what}: off by ${error} of ${scale}`);
}
