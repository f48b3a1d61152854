/**
 * Prints the numbers that docs/mathematics.md quotes, from its formulas alone, in f64:
 *
 *     deno run docs/mathematics_numbers.ts
 */
import { normal } from "../core/random/normal.ts";
import { type Stream, stream } from "../core/random/streams.ts";
import { uniform } from "../core/random/uniform.ts";

/** A complex number as [real, imaginary]. */
type Complex = readonly [number, number];
type Round = (x: number) => number;

const ETAS = [1, 0.3, 0.1, 0.03, 0.01, 0.001];
const exact: Round = (x) => x;
const square = ([x, y]: Complex): Complex => [x * x - y * y, 2 * x * y];
const multiply = ([a, b]: Complex, [c, d]: Complex): Complex => [a * c - b * d, a * d + b * c];
const plus = ([a, b]: Complex, [c, d]: Complex): Complex => [a + c, b + d];

/** 1 / z, every operation rounded by `round`. */
function inverse([x, y]: Complex, round: Round): Complex {
  const s = round(1 / round(round(x * x) + round(y * y)));
  return [round(x * s), round(-y * s)];
}

/** Causal pivots g_1 … g_N with p = 1 for the real parts `d` of the sites, in the arithmetic of `round`. */
function pivots(d: readonly number[], eta: number, round: Round = exact): readonly Complex[] {
  let previous: Complex = [0, 0];
  return d.map((x) => {
    previous = inverse([round(x - previous[0]), round(-eta - previous[1])], round);
    return previous;
  });
}

/** Sites a + v_i - lambda with a = -2, lambda = 0 and v uniform on (-3, 3), rounded to f32. */
function randomSites(n: number, name: string): readonly number[] {
  const from = stream(7, name);
  return Array.from(
    { length: n },
    (_, index) => Math.fround(-2 + 6 * uniform(from, { step: 0, index }) - 3),
  );
}

/** Mean of -ln(p |g|^2) over the second half of a chain: how fast influence is lost, per position. */
function decayRate(d: readonly number[], eta: number): number {
  const late = pivots(d, eta).slice(d.length / 2);
  return late.reduce((sum, [x, y]) => sum - Math.log(x * x + y * y), 0) / late.length;
}

/** Positions after which an influence falls below a thousandth. */
function reach(rate: number): number {
  return Math.ceil(Math.log(1000) / rate);
}

function printDecay(): void {
  const length = 40_000;
  const random = randomSites(length, "docs/decay");
  console.log("§4 eta | factor and reach: v = 0 at the band edge | at the band centre | v random");
  for (const eta of ETAS) {
    const cells = [new Array<number>(length).fill(-2), new Array<number>(length).fill(0), random]
      .map((sites) => decayRate(sites, eta))
      .map((rate) => `${Math.exp(-rate).toFixed(4)} ${reach(rate)}`);
    console.log(`${eta} | ${cells.join(" | ")}`);
  }
}

function printRounding(): void {
  console.log("§11 eta | largest relative error of g in f32 at N = 1024 | at N = 65536");
  for (const eta of [1, 0.1, 0.01, 0.001].map(Math.fround)) {
    const errors = [1024, 65_536].map((n) => {
      const d = randomSites(n, "docs/rounding");
      const single = pivots(d, eta, Math.fround);
      return pivots(d, eta).reduce((most, [x, y], i) => {
        const error = Math.hypot(x - single[i][0], y - single[i][1]) / Math.hypot(x, y);
        return Math.max(most, error);
      }, 0);
    });
    console.log(`${eta.toFixed(3)} | ${errors.map((error) => error.toExponential(1)).join(" | ")}`);
  }
}

/** s = u + A + B and u of §5, p = 1: the exact gradient of v is -Re s, the diagonal term alone -Re u. */
function gradients(d: readonly number[], eta: number, w: readonly Complex[]) {
  const g = pivots(d, eta);
  const h = pivots(d.toReversed(), eta).toReversed();
  const last = d.length - 1;
  const u = d.map((x, i) => {
    const [left, right] = [i > 0 ? g[i - 1] : [0, 0], i < last ? h[i + 1] : [0, 0]];
    const whole = inverse([x - left[0] - right[0], -eta - left[1] - right[1]], exact);
    return multiply(w[i], square(whole));
  });
  const s = [...u];
  let flow: Complex = [0, 0];
  for (let j = 1; j <= last; j++) {
    flow = multiply(square(h[j]), plus(flow, u[j - 1]));
    s[j] = plus(s[j], flow);
  }
  flow = [0, 0];
  for (let j = last - 1; j >= 0; j--) {
    flow = multiply(square(g[j]), plus(flow, u[j + 1]));
    s[j] = plus(s[j], flow);
  }
  return { whole: s.map(([x]) => -x), diagonal: u.map(([x]) => -x) };
}

function printDiagonalTerm(): void {
  console.log("§5 eta | mean cosine and mean relative error of -G^2 alone, 200 draws at N = 128");
  const dot = (x: readonly number[], y: readonly number[]): number =>
    x.reduce((sum, value, i) => sum + value * y[i], 0);
  for (const eta of [1, 0.1]) {
    let [cosine, error] = [0, 0];
    for (let draw = 0; draw < 200; draw++) {
      const from: Stream = stream(draw, "docs/cotangents");
      const w = Array.from({ length: 128 }, (_, index): Complex => [
        normal(from, { step: 0, index }),
        normal(from, { step: 1, index }),
      ]);
      const { whole, diagonal } = gradients(randomSites(128, `docs/sites/${draw}`), eta, w);
      const difference = whole.map((value, i) => value - diagonal[i]);
      const norm = Math.sqrt(dot(whole, whole));
      cosine += dot(whole, diagonal) / (norm * Math.sqrt(dot(diagonal, diagonal))) / 200;
      error += Math.sqrt(dot(difference, difference)) / norm / 200;
    }
    console.log(`${eta} | ${cosine.toFixed(2)} | ${error.toFixed(2)}`);
  }
}

printDecay();
printDiagonalTerm();
printRounding();
