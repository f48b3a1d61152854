/**
 * The causal core and its gradients as a plain loop in f64, for comparison in speed and value.
 * docs/mathematics.md §4 (4.1) and §5: with d_i = a + v_i - i eta, g_i = 1 / (d_i - p g_{i-1}), and for
 * cotangents w the adjoint A_i = conj(w_i) + p g_{i+1}² A_{i+1} gives dv_i = -Re(A_i g_i²).
 */

export interface ChainSettings {
  readonly a: number;
  readonly p: number;
  readonly eta: number;
  /** Positions per chain. */
  readonly n: number;
}

/** Values of one call; reused, so that the loop and not the allocator is timed. */
export interface ChainValues {
  /** Chains one after another, (B N). */
  readonly v: Float64Array;
  /** Cotangent of g, (B N, 2). */
  readonly w: Float64Array;
  /** (B N, 2) */
  readonly g: Float64Array;
  /** (B N) */
  readonly dv: Float64Array;
}

/** Fills `g` and `dv`; returns the gradients by p, eta and lambda, summed over all chains. */
export function bkCoreLoop(
  { v, w, g, dv }: ChainValues,
  { a, p, eta, n }: ChainSettings,
): { readonly dp: number; readonly deta: number; readonly dlambda: number } {
  let [dp, deta, dlambda] = [0, 0, 0];
  for (let first = 0; first < v.length; first += n) {
    let [re, im] = [0, 0];
    for (let i = first; i < first + n; i++) {
      const x = a + v[i] - p * re;
      const y = -eta - p * im;
      const scale = 1 / (x * x + y * y);
      re = x * scale;
      im = -y * scale;
      g[2 * i] = re;
      g[2 * i + 1] = im;
    }
    let [adjointRe, adjointIm] = [0, 0]; // p g_{i+1}² A_{i+1}
    for (let i = first + n - 1; i >= first; i--) {
      const [gr, gi] = [g[2 * i], g[2 * i + 1]];
      const [sr, si] = [gr * gr - gi * gi, 2 * gr * gi];
      const ar = w[2 * i] + adjointRe;
      const ai = -w[2 * i + 1] + adjointIm;
      const [tr, ti] = [ar * sr - ai * si, ar * si + ai * sr]; // A_i g_i²
      dv[i] = -tr;
      dlambda += tr;
      deta -= ti;
      if (i > first) dp += tr * g[2 * i - 2] - ti * g[2 * i - 1];
      adjointRe = p * tr;
      adjointIm = p * ti;
    }
  }
  return { dp, deta, dlambda };
}
