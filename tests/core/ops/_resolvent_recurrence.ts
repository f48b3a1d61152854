/** The resolvent mixer for long sequences in f64: pivots, substitution and their adjoints, position by position. */
import type { Op } from "../../../core/graph/op.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { applyAll } from "../../../core/graph/trace.ts";
import { IN_ORDER, type ResolventFormAttributes } from "../../../core/ops/resolvent_forms.ts";
import { op } from "../../../core/ops/resolvent_mixer.ts";
import type { ResolventMixerAttributes } from "../../../core/ops/resolvent_launches.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";

/** One head with d_h columns and a batch of sequences; one eta and lambda for all. */
export interface Case {
  readonly batch: number;
  readonly n: number;
  readonly columns: number;
  readonly eta: number;
  readonly lambda: number;
  /** (batch, n, columns). */
  readonly x: Float32Array;
  /** (batch, n), as are the bonds. */
  readonly v: Float32Array;
  readonly t: Float32Array;
  /** Cotangents of y (batch, n, columns). */
  readonly dre: Float32Array;
  readonly dim: Float32Array;
}

export const VALUES = ["re", "im", "g_re", "g_im"] as const;
export const GRADIENTS = ["dx", "dv", "dt", "deta", "dlambda"] as const;
export type Result = Readonly<
  Record<typeof VALUES[number] | typeof GRADIENTS[number], Float64Array>
>;

/** Potentials on (-3, 3), normal values and cotangents; bonds 1, or on (0.2, 1). */
export function randomCase(options: {
  readonly n: number;
  readonly eta: number;
  readonly batch?: number;
  readonly columns?: number;
  readonly bonds?: "one" | "random";
}): Case {
  const { n, eta, batch = 1, columns = 4, bonds = "random" } = options;
  const draw = (name: string, count: number, law: (u: number, z: number) => number) => {
    const from = stream(5, `${name}/${n}/${eta}`);
    return Float32Array.from({ length: count }, (_, index) => {
      const at = { step: 0, index };
      return law(uniform(from, at), normal(from, at));
    });
  };
  const cells = batch * n;
  return {
    ...{ batch, n, columns, eta: Math.fround(eta), lambda: 0 },
    x: draw("x", cells * columns, (_, z) => z),
    v: draw("v", cells, (u) => 6 * u - 3),
    t: draw("t", cells, (u) => bonds === "one" ? 1 : 0.2 + 0.8 * u),
    dre: draw("dre", cells * columns, (_, z) => z),
    dim: draw("dim", cells * columns, (_, z) => z),
  };
}

/** A flat potential at the centre of the band, where a sequence remembers longest. */
export function flatCase(n: number, eta: number): Case {
  return { ...randomCase({ n, eta, bonds: "one" }), lambda: -2, v: new Float32Array(n) };
}

/** Runs the mixer, and its gradient if wanted, on a backend. */
export async function onBackend(backend: Backend, given: Case, options: {
  readonly form?: ResolventFormAttributes;
  readonly withGradients?: boolean;
} = {}): Promise<Result> {
  const { batch, n, columns } = given;
  const graph = new Graph();
  const x = graph.input("x", f32(batch, n, columns));
  const [v, t] = ["v", "t"].map((name) => graph.input(name, f32(batch, n, 1)));
  const [eta, lambda] = ["eta", "lambda"].map((name) => graph.input(name, f32(1)));
  const operands = [x, v, t, eta, lambda];
  const form = options.form ?? IN_ORDER;
  const outputs = applyAll<ResolventMixerAttributes>(op as Op<ResolventMixerAttributes>, operands, {
    a: -2,
    ...form,
  });
  VALUES.forEach((name, k) => graph.output(name, outputs[k]));
  const labels: string[] = [...VALUES];
  if (options.withGradients) {
    const seeds = ["dre", "dim"].map((name, k) => ({
      tensor: outputs[k],
      cotangent: graph.input(name, x.type),
    }));
    const found = gradientsOf(seeds, operands);
    GRADIENTS.forEach((name, k) => graph.output(name, found[k]));
    labels.push(...GRADIENTS);
  }
  const program = await backend.compile(compilePlan(graph));
  try {
    program.step({
      ...{ x: given.x, v: given.v, t: given.t },
      eta: Float32Array.of(given.eta),
      lambda: Float32Array.of(given.lambda),
      ...(options.withGradients ? { dre: given.dre, dim: given.dim } : {}),
    });
    const found: Record<string, Float64Array> = {};
    for (const label of labels) found[label] = Float64Array.from(await program.read(label));
    return found as Result;
  } finally {
    program.destroy();
  }
}

/** docs/mathematics.md (12.1) and (12.4), one position after the other. */
export function inDouble(given: Case): Result {
  const { batch, n, columns, eta, lambda, x, v, t, dre, dim } = given;
  const zeros = (of: { readonly length: number }) => new Float64Array(of.length);
  const out = {
    ...{ re: zeros(x), im: zeros(x), g_re: zeros(v), g_im: zeros(v) },
    ...{ dx: zeros(x), dv: zeros(v), dt: zeros(v), deta: zeros([0]), dlambda: zeros([0]) },
  };
  for (let row = 0; row < batch * n; row++) {
    const i = row % n;
    const [hr, hi] = i > 0 ? [out.g_re[row - 1], out.g_im[row - 1]] : [0, 0];
    const [lr, li] = [-2 + v[row] - lambda - t[row] ** 2 * hr, -eta - t[row] ** 2 * hi];
    const size = lr * lr + li * li;
    const [gr, gi] = [lr / size, -li / size];
    [out.g_re[row], out.g_im[row]] = [gr, gi];
    for (let k = row * columns; k < (row + 1) * columns; k++) {
      const [yr, yi] = i > 0 ? [out.re[k - columns], out.im[k - columns]] : [0, 0];
      const [sr, si] = [x[k] - t[row] * yr, -t[row] * yi];
      out.re[k] = gr * sr - gi * si;
      out.im[k] = gr * si + gi * sr;
    }
  }
  for (let sequence = 0; sequence < batch; sequence++) {
    const rho = new Float64Array(2 * columns);
    let [mr, mi] = [0, 0];
    for (let i = n - 1; i >= 0; i--) {
      const row = sequence * n + i;
      const [gr, gi] = [out.g_re[row], out.g_im[row]];
      const isLast = i === n - 1;
      const t_next = isLast ? 0 : t[row + 1];
      const [hr, hi] = isLast ? [0, 0] : [out.g_re[row + 1], out.g_im[row + 1]];
      let [wr, wi, sr, si] = [0, 0, 0, 0];
      for (let column = 0; column < columns; column++) {
        const k = row * columns + column;
        const [pr, pi] = [rho[2 * column], rho[2 * column + 1]];
        const [rr, ri] = [
          dre[k] - t_next * (hr * pr - hi * pi),
          -dim[k] - t_next * (hr * pi + hi * pr),
        ];
        [rho[2 * column], rho[2 * column + 1]] = [rr, ri];
        out.dx[k] = gr * rr - gi * ri;
        const [yr, yi] = i > 0 ? [out.re[k - columns], out.im[k - columns]] : [0, 0];
        const [ur, ui] = [x[k] - t[row] * yr, -t[row] * yi];
        wr += rr * ur - ri * ui;
        wi += rr * ui + ri * ur;
        sr += rr * yr - ri * yi;
        si += rr * yi + ri * yr;
      }
      const [qr, qi] = [gr * gr - gi * gi, 2 * gr * gi];
      const [fr, fi] = [t_next ** 2 * mr - wr, t_next ** 2 * mi - wi];
      [mr, mi] = [qr * fr - qi * fi, qr * fi + qi * fr];
      const [br, bi] = i > 0 ? [out.g_re[row - 1], out.g_im[row - 1]] : [0, 0];
      out.dv[row] = mr;
      out.dt[row] = -2 * t[row] * (br * mr - bi * mi) - (gr * sr - gi * si);
      out.deta[0] += mi;
      out.dlambda[0] -= mr;
    }
  }
  return out;
}

/** |got - want| / |want| in the Euclidean norm over all of `names` together; 0 where both are 0. */
export function relativeL2(
  got: Result,
  want: Result,
  names: readonly (keyof Result)[],
): number {
  let [difference, size] = [0, 0];
  for (const name of names) {
    for (let i = 0; i < want[name].length; i++) {
      difference += (got[name][i] - want[name][i]) ** 2;
      size += want[name][i] ** 2;
    }
  }
  return difference === 0 ? 0 : Math.sqrt(difference / size);
}

/** Largest |got - want| of y over the largest |y|. NaN if anything is NaN. */
export function relativeToLargest(got: Result, want: Result): number {
  let [error, size] = [0, 0];
  for (let i = 0; i < want.re.length; i++) {
    error = Math.max(error, Math.hypot(got.re[i] - want.re[i], got.im[i] - want.im[i]));
    size = Math.max(size, Math.hypot(want.re[i], want.im[i]));
  }
  return error / size;
}
