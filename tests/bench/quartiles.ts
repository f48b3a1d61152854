import { quantileSorted } from "simple-statistics";

/** Median and quartiles: what a benchmark on a shared machine can say. */
export interface Quartiles {
  readonly low: number;
  readonly median: number;
  readonly high: number;
  readonly count: number;
}

/** @throws {RangeError} Without values */
export function quartiles(values: readonly number[]): Quartiles {
  if (values.length === 0) throw new RangeError("Cannot take quartiles of no values");
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => quantileSorted(sorted, share);
  return { low: at(0.25), median: at(0.5), high: at(0.75), count: sorted.length };
}
