/**
 * BK-Core from its definition, twice: by dense inversion, and for long chains from continuants.
 * H has a + v_i on its diagonal, p_k above and 1 below it, so that p_k = b_k c_k.
 */

/** One chain and the cotangent of its g, as real and imaginary parts in turn. */
export interface OracleChain {
  readonly v: readonly number[];
  readonly p: readonly number[];
  readonly a: number;
  readonly eta: number;
  readonly lambda: number;
  readonly mode: "causal" | "bidirectional";
  readonly dg: readonly number[];
}

/** g (2 N) and the gradients of sum(dg * g). */
export interface OracleResult {
  readonly g: Float64Array;
  readonly dv: Float64Array;
  readonly dp: Float64Array;
  readonly deta: number;
  readonly dlambda: number;
}

/** A complex number times 2^e; continuants of long chains leave the range of f64. */
interface Scaled {
  readonly re: number;
  readonly im: number;
  readonly e: number;
}

const ONE: Scaled = { re: 1, im: 0, e: 0 };

function scaled(re: number, im: number, e: number): Scaled {
  const size = Math.max(Math.abs(re), Math.abs(im));
  if (size === 0) return { re, im, e: 0 };
  const shift = Math.floor(Math.log2(size));
  return { re: re * 2 ** -shift, im: im * 2 ** -shift, e: e + shift };
}
const times = (x: Scaled, y: Scaled): Scaled =>
  scaled(x.re * y.re - x.im * y.im, x.re * y.im + x.im * y.re, x.e + y.e);
const square = (x: Scaled): Scaled => times(x, x);
function over(x: Scaled, y: Scaled): Scaled {
  const size = y.re * y.re + y.im * y.im;
  return times(x, scaled(y.re / size, -y.im / size, -y.e));
}
function minus(x: Scaled, y: Scaled): Scaled {
  const e = Math.max(x.e, y.e);
  const [s, t] = [2 ** (x.e - e), 2 ** (y.e - e)];
  return scaled(x.re * s - y.re * t, x.im * s - y.im * t, e);
}

/** Columns of the dense inverse of the leading block of order `size`: real and imaginary parts in turn. */
function denseInverse(chain: OracleChain, size: number): Float64Array[] {
  const width = 4 * size; // [H - z | 1], complex
  const rows = Array.from({ length: size }, (_, i) => {
    const row = new Float64Array(width);
    row[2 * i] = chain.a + chain.v[i] - chain.lambda;
    row[2 * i + 1] = -chain.eta;
    if (i + 1 < size) row[2 * i + 2] = chain.p[i];
    if (i > 0) row[2 * i - 2] = 1;
    row[2 * (size + i)] = 1;
    return row;
  });
  const modulus = (r: number, k: number): number => Math.hypot(rows[r][2 * k], rows[r][2 * k + 1]);
  for (let k = 0; k < size; k++) {
    let best = k;
    for (let r = k + 1; r < size; r++) if (modulus(r, k) > modulus(best, k)) best = r;
    [rows[k], rows[best]] = [rows[best], rows[k]];
    const square = modulus(k, k) ** 2;
    scaleRow(rows[k], rows[k][2 * k] / square, -rows[k][2 * k + 1] / square);
    for (let r = 0; r < size; r++) if (r !== k) eliminate(rows[r], rows[k], k);
  }
  return rows.map((row) => row.slice(2 * size));
}

function scaleRow(row: Float64Array, re: number, im: number): void {
  for (let c = 0; c < row.length; c += 2) {
    const [x, y] = [row[c], row[c + 1]];
    row[c] = x * re - y * im;
    row[c + 1] = x * im + y * re;
  }
}

function eliminate(row: Float64Array, pivot: Float64Array, k: number): void {
  const [re, im] = [row[2 * k], row[2 * k + 1]];
  if (re === 0 && im === 0) return;
  for (let c = 0; c < row.length; c += 2) {
    row[c] -= pivot[c] * re - pivot[c + 1] * im;
    row[c + 1] -= pivot[c] * im + pivot[c + 1] * re;
  }
}

/** By the dense inverse of every block and dG = -G dH G. */
export function resolventByInversion(chain: OracleChain): OracleResult {
  const n = chain.v.length;
  const whole = chain.mode === "bidirectional" ? denseInverse(chain, n) : undefined;
  const g = new Float64Array(2 * n);
  const dv = new Float64Array(n);
  const dp = new Float64Array(Math.max(0, n - 1));
  let [deta, dlambda] = [0, 0];
  for (let i = 0; i < n; i++) {
    const inverse = whole ?? denseInverse(chain, i + 1);
    g.set(inverse[i].subarray(2 * i, 2 * i + 2), 2 * i);
    const [wr, wi] = [chain.dg[2 * i], -chain.dg[2 * i + 1]];
    // w G_ir G_si
    const term = (r: number, s: number): readonly [number, number] => {
      const [a, b, c, d] = [
        inverse[i][2 * r],
        inverse[i][2 * r + 1],
        inverse[s][2 * i],
        inverse[s][2 * i + 1],
      ];
      const [re, im] = [a * c - b * d, a * d + b * c];
      return [wr * re - wi * im, wr * im + wi * re];
    };
    for (let j = 0; j < inverse.length; j++) {
      const [re, im] = term(j, j);
      dv[j] -= re;
      dlambda += re;
      deta -= im; // d(H - z) = -i deta, so dG = i G G deta
      if (j + 1 < inverse.length) dp[j] -= term(j, j + 1)[0];
    }
  }
  return { g, dv, dp, deta, dlambda };
}

/** Products and determinants that the entries of the inverse consist of, by 1-based site. */
interface Continuants {
  /** theta[m]: determinant of the leading block of order m, 0 ... n. */
  readonly theta: readonly Scaled[];
  /** phi[m]: determinant of the trailing block from site m on, 1 ... n + 1. */
  readonly phi: readonly Scaled[];
  /** q[k] = p_1 ... p_k, 0 ... n - 1. */
  readonly q: readonly Scaled[];
}

function continuantsOf(chain: OracleChain): Continuants {
  const n = chain.v.length;
  const d = chain.v.map((x) => scaled(chain.a + x - chain.lambda, -chain.eta, 0));
  const coupling = chain.p.map((x) => scaled(x, 0, 0));
  const theta: Scaled[] = [ONE, d[0]];
  const q: Scaled[] = [ONE];
  for (let k = 1; k < n; k++) {
    theta.push(minus(times(d[k], theta[k]), times(coupling[k - 1], theta[k - 1])));
    q.push(times(q[k - 1], coupling[k - 1]));
  }
  const phi: Scaled[] = new Array<Scaled>(n + 2).fill(ONE);
  phi[n] = d[n - 1];
  for (let m = n - 1; m >= 1; m--) {
    phi[m] = minus(times(d[m - 1], phi[m + 1]), times(coupling[m - 1], phi[m + 2]));
  }
  return { theta, phi, q };
}

/**
 * The same for long chains: for i <= j, G_ij G_ji = (theta_{i-1}^2 / q_{i-1}) (q_{j-1} phi_{j+1}^2 / theta_n^2),
 * a product of a factor of i and one of j, summed over all pairs. Needs p_k > 0.
 * Source: Usmani, "Inversion of Jacobi's tridiagonal matrix", Computers & Mathematics with Applications 27
 * (1994), theorem 1.
 */
export function resolventByContinuants(chain: OracleChain): OracleResult {
  const { theta, phi, q } = continuantsOf(chain);
  const n = chain.v.length;
  const isCausal = chain.mode === "causal";
  const sites = Array.from({ length: n }, (_, k) => k + 1);
  // Site i looks at the block that ends at i, or at the whole chain.
  const right = (i: number): Scaled => isCausal ? ONE : phi[i + 1];
  const whole = (i: number): Scaled => theta[isCausal ? i : n];
  const g = sites.map((i) => over(times(theta[i - 1], right(i)), whole(i)));
  const bonds = sites.slice(0, n - 1);
  return {
    g: Float64Array.from(g.flatMap(({ re, im, e }) => [re * 2 ** e, im * 2 ** e])),
    ...sumPairs(chain, {
      left: sites.map((i) => over(square(theta[i - 1]), q[i - 1])),
      tail: sites.map((i) => over(times(q[i - 1], square(right(i))), square(whole(i)))),
      leftBond: bonds.map((k) => over(times(theta[k - 1], theta[k]), q[k])),
      tailBond: bonds.map((k) =>
        over(times(q[k - 1], times(phi[k + 1], phi[k + 2])), square(theta[n]))
      ),
    }),
  };
}

/** Sums w_i G_ij G_ji and w_i G_ik G_{k+1,i} over all i that see j, and k and k + 1. */
function sumPairs({ dg, mode, v: { length: n } }: OracleChain, factors: {
  readonly left: readonly Scaled[];
  readonly tail: readonly Scaled[];
  readonly leftBond: readonly Scaled[];
  readonly tailBond: readonly Scaled[];
}): Omit<OracleResult, "g"> {
  const { left, tail, leftBond, tailBond } = factors;
  const weigh = (x: Scaled, i: number): Scaled => times(scaled(dg[2 * i], -dg[2 * i + 1], 0), x);
  const weightedTail = tail.map(weigh);
  const weightedLeft = left.map(weigh);
  const dv = new Float64Array(n);
  const dp = new Float64Array(Math.max(0, n - 1));
  let [deta, dlambda] = [0, 0];
  for (let i = 0; i < n; i++) {
    const last = mode === "causal" ? i : n - 1;
    for (let j = 0; j <= last; j++) {
      const [x, y] = j <= i ? [left[j], weightedTail[i]] : [weightedLeft[i], tail[j]];
      const size = 2 ** (x.e + y.e);
      const real = (x.re * y.re - x.im * y.im) * size;
      dv[j] -= real;
      dlambda += real;
      deta -= (x.re * y.im + x.im * y.re) * size;
      if (j === last) continue;
      const [s, t] = j < i ? [leftBond[j], weightedTail[i]] : [weightedLeft[i], tailBond[j]];
      dp[j] += (s.re * t.re - s.im * t.im) * 2 ** (s.e + t.e);
    }
  }
  return { dv, dp, deta, dlambda };
}
