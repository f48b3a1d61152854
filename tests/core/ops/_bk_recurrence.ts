/** BK-Core for long chains in f64: the continued fractions and their adjoint scans, site by site. */
import { op } from "../../../core/ops/bk_core.ts";
import { type BkFormAttributes, SEQUENTIAL } from "../../../core/ops/bk_forms.ts";
import { EXACT_GRADIENT } from "../../../core/ops/bk_gradient_modes.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { apply } from "../../../core/graph/trace.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";

export type Mode = "causal" | "bidirectional";

/** One channel with a batch of chains: v and w are (batch, n), numbers of single precision. */
export interface Case {
  readonly batch: number;
  readonly n: number;
  readonly mode: Mode;
  readonly eta: number;
  readonly lambda: number;
  readonly v: Float32Array;
  /** (n - 1), or (1) for one value at all sites. */
  readonly p: Float32Array;
  /** Cotangent of g, (batch, n, 2). */
  readonly dg: Float32Array;
}

export interface Result {
  /** (batch, n, 2). */
  readonly g: Float64Array;
  readonly dv: Float64Array;
  readonly dp: Float64Array;
  readonly deta: Float64Array;
  readonly dlambda: Float64Array;
}

/** Random potentials on (-3, 3), couplings on (0.2, 1) and normal cotangents. */
export function randomCase(options: {
  readonly batch: number;
  readonly n: number;
  readonly mode: Mode;
  readonly eta: number;
  readonly single?: boolean;
}): Case {
  const { batch, n, mode, eta, single } = options;
  const from = (name: string) => stream(3, `${name}/${n}/${eta}`);
  const [site, bond, weight] = [from("v"), from("p"), from("w")];
  const draw = (length: number, law: (index: number) => number) =>
    Float32Array.from({ length }, (_, index) => law(index));
  return {
    batch,
    n,
    mode,
    eta: Math.fround(eta),
    lambda: Math.fround(0.3),
    v: draw(batch * n, (index) => 6 * uniform(site, { step: 0, index }) - 3),
    p: single
      ? Float32Array.of(1)
      : draw(n - 1, (index) => 0.2 + 0.8 * uniform(bond, { step: 0, index })),
    dg: draw(2 * batch * n, (index) => normal(weight, { step: 0, index })),
  };
}

/** A flat potential at the centre of the band, where a chain remembers longest. */
export function flatCase(n: number, options: { readonly mode: Mode; readonly eta: number }): Case {
  const random = randomCase({ batch: 1, n, single: true, ...options });
  return { ...random, lambda: -2, v: new Float32Array(n) };
}

/** Runs bk_core and its gradient on a backend. */
export async function onDevice(
  backend: Backend,
  given: Case,
  form: BkFormAttributes = SEQUENTIAL,
): Promise<Result> {
  const { batch, n, mode } = given;
  const graph = new Graph();
  const v = graph.input("v", f32(batch, 1, n));
  const p = graph.input("p", f32(given.p.length));
  const [eta, lambda] = ["eta", "lambda"].map((name) => graph.input(name, f32(1)));
  const g = apply(op, [v, p, eta, lambda], { a: -2, mode, ...EXACT_GRADIENT, ...form });
  const dg = graph.input("dg", f32(batch, 1, n, 2));
  const found = gradientsOf([{ tensor: g, cotangent: dg }], [v, p, eta, lambda]);
  ["dv", "dp", "deta", "dlambda"].forEach((name, k) => graph.output(name, found[k]));
  graph.output("g", g);
  const program = await backend.compile(compilePlan(graph));
  try {
    program.step({
      ...{ v: given.v, p: given.p, dg: given.dg },
      eta: Float32Array.of(given.eta),
      lambda: Float32Array.of(given.lambda),
    });
    const [y, dv, deta, dlambda] = [
      await program.read("g"),
      await program.read("dv"),
      await program.read("deta"),
      await program.read("dlambda"),
    ];
    const dp = given.p.length > 0 ? await program.read("dp") : new Float64Array();
    return { g: y, dv, dp, deta, dlambda };
  } finally {
    program.destroy();
  }
}

/** docs/mathematics.md (4.1), (4.2), (5.2) to (5.6), one site after the other. */
export function inDouble(given: Case): Result {
  const { batch, n, mode, eta, lambda, v, p, dg } = given;
  const g = new Float64Array(2 * batch * n);
  const dv = new Float64Array(batch * n);
  const dp = new Float64Array(p.length);
  let [deta, dlambda] = [0, 0];
  for (let chain = 0; chain < batch; chain++) {
    const bond = (k: number): number => k >= 0 && k < n - 1 ? p[p.length === 1 ? 0 : k] : 0;
    const left = new Float64Array(2 * n);
    const right = new Float64Array(2 * n);
    const invert = (to: Float64Array, i: number, re: number, im: number): void => {
      const size = re * re + im * im;
      to[2 * i] = re / size;
      to[2 * i + 1] = -im / size;
    };
    const before = (i: number, part: number): number =>
      i > 0 ? bond(i - 1) * left[2 * i - 2 + part] : 0;
    const behind = (i: number, part: number): number =>
      i < n - 1 ? bond(i) * right[2 * i + 2 + part] : 0;
    const d = (i: number): number => -2 + v[chain * n + i] - lambda;
    for (let i = 0; i < n; i++) invert(left, i, d(i) - before(i, 0), -eta - before(i, 1));
    for (let i = n - 1; i >= 0; i--) invert(right, i, d(i) - behind(i, 0), -eta - behind(i, 1));
    const whole = mode === "causal" ? left : new Float64Array(2 * n);
    for (let i = 0; mode !== "causal" && i < n; i++) {
      invert(whole, i, d(i) - before(i, 0) - behind(i, 0), -eta - before(i, 1) - behind(i, 1));
    }
    g.set(whole, 2 * chain * n);
    const u = new Float64Array(2 * n);
    for (let i = 0; i < n; i++) {
      const [x, y] = [whole[2 * i], whole[2 * i + 1]];
      const [re, im] = [x * x - y * y, 2 * x * y];
      const [wr, wi] = [dg[2 * (chain * n + i)], -dg[2 * (chain * n + i) + 1]];
      u[2 * i] = wr * re - wi * im;
      u[2 * i + 1] = wr * im + wi * re;
    }
    const gather = (order: readonly number[], pivot: Float64Array, step: number): void => {
      let [re, im] = [0, 0]; // u + A, or u + B, of the site before in this order
      for (const i of order) {
        const k = step > 0 ? i - 1 : i; // bond to the site before
        const [x, y] = [pivot[2 * i], pivot[2 * i + 1]];
        const [a, b] = [bond(k) * (x * x - y * y), bond(k) * 2 * x * y];
        if (k >= 0 && k < n - 1) dp[p.length === 1 ? 0 : k] += x * re - y * im;
        [re, im] = [a * re - b * im, a * im + b * re];
        dv[chain * n + i] -= re;
        deta -= im;
        dlambda += re;
        re += u[2 * i];
        im += u[2 * i + 1];
      }
    };
    const sites = Array.from({ length: n }, (_, i) => i);
    if (mode !== "causal") gather(sites, right, 1);
    gather(sites.toReversed(), left, -1);
    for (let i = 0; i < n; i++) {
      dv[chain * n + i] -= u[2 * i];
      deta -= u[2 * i + 1];
      dlambda += u[2 * i];
    }
  }
  return { g, dv, dp, deta: Float64Array.of(deta), dlambda: Float64Array.of(dlambda) };
}

/** Largest |got - want| / |want| over complex numbers; NaN counts as infinite. */
export function largestRelative(got: Float64Array, want: Float64Array): number {
  let error = 0;
  for (let i = 0; i < want.length; i += 2) {
    const distance = Math.hypot(got[i] - want[i], got[i + 1] - want[i + 1]);
    const relative = distance / Math.hypot(want[i], want[i + 1]);
    error = relative <= error ? error : Number.isNaN(relative) ? Infinity : relative;
  }
  return error;
}

/** |got - want| / |want| in the Euclidean norm. */
export function relativeL2(got: Float64Array, want: Float64Array): number {
  const difference = want.map((x, i) => got[i] - x);
  return want.length === 0 ? 0 : Math.hypot(...norms(difference)) / Math.hypot(...norms(want));
}

/** Norms of runs, since `Math.hypot` takes no more arguments than the stack holds. */
function norms(x: Float64Array): readonly number[] {
  const found: number[] = [];
  for (let i = 0; i < x.length; i += 4096) {
    let sum = 0;
    for (const value of x.subarray(i, i + 4096)) sum += value * value;
    found.push(Math.sqrt(sum));
  }
  return found;
}
