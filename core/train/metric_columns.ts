/** Columns of the metric ring of a training program. */

/** Rows of the ring: it is read at least once in this many updates. */
export const RING_SLOTS = 16;

/**
 * Loss, gradient norm, count of gradient chunks that are not finite, and the norm of the final features: all of them in
 * one vector, summed over micro-batches.
 */
export const METRIC_COLUMNS = { loss: 0, gradNorm: 1, nonFinite: 2, featureNorm: 3 } as const;
export const METRIC_WIDTH = 4;

/** Where the values of one diagnostic of the model stand in a row of the ring. */
export interface DiagnosticColumns {
  /** Name that the model gave it, "eta/block3". */
  readonly name: string;
  /** First column. */
  readonly column: number;
  /** Number of columns. */
  readonly width: number;
}
