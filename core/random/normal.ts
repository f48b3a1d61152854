/**
 * Standard normal numbers by inversion: one word of the stream gives one number, so positions stay
 * aligned, and only + - * / and sqrt are used, so the bytes are the same on every platform.
 *
 * Source: Wichura, "Algorithm AS 241: the percentage points of the normal distribution", Applied
 * Statistics 37 (1988) 477-484, routine PPND16; relative error about 1e-16.
 */
import { naturalLog } from "./natural_log.ts";
import type { Position, Stream } from "./streams.ts";
import { uniform } from "./uniform.ts";

// Coefficients of the three rational functions, highest power first.
const CENTRE_P = [
  2509.0809287301226727,
  33430.575583588128105,
  67265.770927008700853,
  45921.953931549871457,
  13731.693765509461125,
  1971.5909503065514427,
  133.14166789178437745,
  3.387132872796366608,
];
const CENTRE_Q = [
  5226.495278852545925,
  28729.085735721942674,
  39307.89580009271061,
  21213.794301586595867,
  5394.1960214247511077,
  687.1870074920579083,
  42.313330701600911252,
  1,
];
const MIDDLE_P = [
  7.7454501427834140764e-4,
  0.0227238449892691845833,
  0.24178072517745061177,
  1.27045825245236838258,
  3.64784832476320460504,
  5.7694972214606914055,
  4.6303378461565452959,
  1.42343711074968357734,
];
const MIDDLE_Q = [
  1.05075007164441684324e-9,
  5.475938084995344946e-4,
  0.0151986665636164571966,
  0.14810397642748007459,
  0.68976733498510000455,
  1.6763848301838038494,
  2.05319162663775882187,
  1,
];
const TAIL_P = [
  2.01033439929228813265e-7,
  2.71155556874348757815e-5,
  0.0012426609473880784386,
  0.026532189526576123093,
  0.29656057182850489123,
  1.7848265399172913358,
  5.4637849111641143699,
  6.6579046435011037772,
];
const TAIL_Q = [
  2.04426310338993978564e-15,
  1.4215117583164458887e-7,
  1.8463183175100546818e-5,
  7.868691311456132591e-4,
  0.0148753612908506148525,
  0.13692988092273580531,
  0.59983220655588793769,
  1,
];

function horner(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, c) => sum * x + c, 0);
}

/** Quantile of the standard normal law at probability 0 < p < 1. */
export function normalQuantile(p: number): number {
  if (!(p > 0 && p < 1)) throw new RangeError(`Expected a probability in (0, 1), got ${p}`);
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * horner(CENTRE_P, r)) / horner(CENTRE_Q, r);
  }
  const r = Math.sqrt(-naturalLog(q < 0 ? p : 1 - p));
  const tail = r <= 5
    ? horner(MIDDLE_P, r - 1.6) / horner(MIDDLE_Q, r - 1.6)
    : horner(TAIL_P, r - 5) / horner(TAIL_Q, r - 5);
  return q < 0 ? -tail : tail;
}

/** Standard normal number at a position of a stream. */
export function normal(from: Stream, at: Position): number {
  return normalQuantile(uniform(from, at));
}
