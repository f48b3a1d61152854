/** What the kernel self-test expects: results by definition in f64, and how far from them a device may be. */
import { halfBits, halfValue } from "../ops/half_bits.ts";
import { bits } from "../random/streams.ts";
import {
  A,
  CARRY_ETA,
  COLUMNS,
  COUPLING,
  ETA,
  HALO_ETA,
  INNER,
  RANDOM,
  ROWS,
  type SelfTestCase,
  type SelfTestInputs,
  type SelfTestResults,
  STEP,
  WIDTH,
  WORDS,
} from "./kernel_self_test_cases.ts";

/** Results by definition. */
export function selfTestResults(inputs: SelfTestInputs): SelfTestResults {
  const { x, v, long, terms, row, residual } = inputs;
  const product = productOf(inputs);
  const pivots = pivotsOf(v, ETA);
  return {
    matmul: product,
    tail: product.map((value, i) => value * row[i % COLUMNS] + residual[i]),
    exp: Float64Array.from(x, (value) => Math.exp(value)),
    scan: pivots,
    halo: pivotsOf(long, HALO_ETA),
    carry: pivotsOf(long, CARRY_ETA),
    mixer: mixedBy(pivots, inputs.mixer_values),
    sum: Float64Array.of(terms.reduce((total, value) => total + value, 0)),
    halves: Float64Array.from(inputs.halves_of, (value) => halfValue(halfBits(value))),
    // The device gives the same 32 bits as a signed number.
    threefry: Float64Array.from(
      { length: WORDS },
      (_, index) => bits(RANDOM, { step: STEP, index }) | 0,
    ),
  };
}

function productOf({ a, b }: SelfTestInputs): Float64Array {
  const product = new Float64Array(ROWS * COLUMNS);
  product.forEach((_, at) => {
    const [row, column] = [Math.floor(at / COLUMNS), at % COLUMNS];
    for (let k = 0; k < INNER; k++) product[at] += a[row * INNER + k] * b[k * COLUMNS + column];
  });
  return product;
}

/** g_i = 1 / (a + v_i - i eta - p g_{i-1}), real and imaginary parts. docs/mathematics.md §4. */
function pivotsOf(v: Float32Array, eta: number): Float64Array {
  const g = new Float64Array(2 * v.length);
  let [real, imaginary] = [0, 0];
  v.forEach((value, i) => {
    const re = A + value - COUPLING * real;
    const im = -eta - COUPLING * imaginary;
    const square = re * re + im * im;
    [real, imaginary] = [re / square, -im / square];
    g.set([real, imaginary], 2 * i);
  });
  return g;
}

/** y_i = g_i (x_i - t y_{i-1}) with t^2 = p = 1: of each position the real, then the imaginary parts. §12. */
function mixedBy(g: Float64Array, x: Float32Array): Float64Array {
  const y = new Float64Array(2 * x.length);
  x.forEach((value, at) => {
    const [i, column] = [Math.floor(at / WIDTH), at % WIDTH];
    const [before, here] = [2 * (i - 1) * WIDTH + column, 2 * i * WIDTH + column];
    const re = value - (i === 0 ? 0 : COUPLING * y[before]);
    const im = i === 0 ? 0 : -COUPLING * y[before + WIDTH];
    y[here] = g[2 * i] * re - g[2 * i + 1] * im;
    y[here + WIDTH] = g[2 * i] * im + g[2 * i + 1] * re;
  });
  return y;
}

/** How far a result may be from its definition, and one preset's from the other's: element by element. */
export interface SelfTestBand {
  /** What an error is measured in. */
  unit(index: number): number;
  /** Largest error in that unit. */
  band(index: number): number;
}

/** Bands, each as for the op's own trials: chains of that many roundings. */
const MATMUL_BAND = 1e-6 * Math.sqrt(INNER) + 1e-6;
const SCAN_BAND = 4e-6;
/** An early start is forgotten to 2^-24 where the warm-up is long enough. */
const HALO_BAND = 2e-6;
const SUM_BAND = 1e-6;

/** Bands of all results around `want`. */
export function selfTestBands(
  { x, terms }: SelfTestInputs,
  want: SelfTestResults,
): Readonly<Record<SelfTestCase, SelfTestBand>> {
  const ofLargest = (name: SelfTestCase, band: number): SelfTestBand => {
    const top = want[name].reduce((m, y) => Math.max(m, Math.abs(y)), 0);
    return { unit: () => top, band: () => band };
  };
  const magnitude = terms.reduce((total, value) => total + Math.abs(value), 0);
  const exact: SelfTestBand = { unit: () => 1, band: () => 0 };
  return {
    matmul: ofLargest("matmul", MATMUL_BAND),
    tail: ofLargest("tail", MATMUL_BAND),
    exp: {
      unit: (i) => 2 ** (Math.floor(Math.log2(want.exp[i])) - 23),
      band: (i) => 3 + 2 * Math.abs(x[i]), // what WGSL allows
    },
    scan: ofLargest("scan", SCAN_BAND),
    halo: ofLargest("halo", HALO_BAND),
    carry: ofLargest("carry", SCAN_BAND),
    mixer: ofLargest("mixer", SCAN_BAND),
    sum: { unit: () => magnitude, band: () => SUM_BAND },
    halves: exact,
    threefry: exact,
  };
}
