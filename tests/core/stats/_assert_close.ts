/** Options of {@linkcode assertClose}. */
export interface CloseOptions {
  /** Largest |actual - expected| as a share of |expected|. */
  readonly relative: number;
  /** Allowed besides, for expected values at or near 0. */
  readonly absolute?: number;
}

/** Fails unless |actual - expected| <= relative |expected| + absolute; NaN fails. */
export function assertClose(
  [what, actual]: readonly [string, number],
  expected: number,
  { relative, absolute = 0 }: CloseOptions,
): void {
  const error = Math.abs(actual - expected);
  if (!(error <= relative * Math.abs(expected) + absolute)) {
    throw new Error(`${what}: expected ${expected}, got ${actual}, error ${error}`);
  }
}
