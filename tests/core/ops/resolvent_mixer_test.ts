/** The resolvent mixer by its definition: dense solves, PyTorch, row identity, causality and the size of its gates. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { wardNorm } from "../../../core/layers/ward_norm.ts";
import { IN_ORDER, type ResolventFormAttributes } from "../../../core/ops/resolvent_forms.ts";
import { resolventMixer } from "../../../core/ops/resolvent_mixer.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/resolvent_torch.json" with { type: "json" };
import { assertGolden } from "../_golden_case.ts";
import {
  type Case,
  flatCase,
  inDouble,
  onBackend,
  randomCase,
  relativeToLargest,
} from "./_resolvent_recurrence.ts";

const adapter = await webGpuBackend();
const oracle = referenceBackend({ precision: "f64" });
globalThis.addEventListener("unload", () => adapter.destroy());

const FORMS: readonly ResolventFormAttributes[] = [
  IN_ORDER,
  { form: "carry", chunk: 32, warm_up: 8, reach: 0 },
  { form: "halo", chunk: 32, warm_up: 24, reach: 45 },
];

type Complex = readonly [number, number];

/** Gaussian elimination with partial pivoting for a dense complex system. */
function denseSolve(matrix: readonly Complex[][], right: readonly Complex[]): Complex[] {
  const n = right.length;
  const rows = matrix.slice(0, n).map((row, k) => {
    const flat = new Float64Array(2 * n + 2);
    row.slice(0, n).forEach((value, j) => flat.set(value, 2 * j));
    flat.set(right[k], 2 * n);
    return flat;
  });
  const size = (k: number, j: number) => Math.hypot(rows[k][2 * j], rows[k][2 * j + 1]);
  const subtract = (from: number, what: number, j: number): void => {
    const [to, by] = [rows[from], rows[what]];
    const norm = by[2 * j] ** 2 + by[2 * j + 1] ** 2;
    const fr = (to[2 * j] * by[2 * j] + to[2 * j + 1] * by[2 * j + 1]) / norm;
    const fi = (to[2 * j + 1] * by[2 * j] - to[2 * j] * by[2 * j + 1]) / norm;
    if (fr === 0 && fi === 0) return;
    for (let k = j; k <= n; k++) {
      to[2 * k] -= fr * by[2 * k] - fi * by[2 * k + 1];
      to[2 * k + 1] -= fr * by[2 * k + 1] + fi * by[2 * k];
    }
  };
  for (let j = 0; j < n; j++) {
    let best = j;
    for (let k = j + 1; k < n; k++) if (size(k, j) > size(best, j)) best = k;
    [rows[j], rows[best]] = [rows[best], rows[j]];
    for (let k = j + 1; k < n; k++) subtract(k, j, j);
  }
  for (let j = n - 1; j > 0; j--) for (let k = 0; k < j; k++) subtract(k, j, j);
  return rows.map((row, k) => {
    const norm = row[2 * k] ** 2 + row[2 * k + 1] ** 2;
    const [a, b, c, d] = [row[2 * n], row[2 * n + 1], row[2 * k], row[2 * k + 1]];
    return [(a * c + b * d) / norm, (b * c - a * d) / norm];
  });
}

const zeros = (n: number): Complex[][] =>
  Array.from({ length: n }, () => Array.from({ length: n }, (): Complex => [0, 0]));

/** H - z. */
function shifted({ n, v, t, eta, lambda }: Case): Complex[][] {
  const matrix = zeros(n);
  for (let i = 0; i < n; i++) {
    matrix[i][i] = [-2 + v[i] - lambda, -eta];
    if (i > 0) matrix[i][i - 1] = matrix[i - 1][i] = [t[i], 0];
  }
  return matrix;
}

/** The lower factor: pivots' reciprocals on the diagonal, bonds below. */
function lowerFactor({ n, t }: Case, g: { readonly re: Float64Array; readonly im: Float64Array }) {
  const matrix = zeros(n);
  for (let i = 0; i < n; i++) {
    const size = g.re[i] ** 2 + g.im[i] ** 2;
    matrix[i][i] = [g.re[i] / size, -g.im[i] / size];
    if (i > 0) matrix[i][i - 1] = [t[i], 0];
  }
  return matrix;
}

Deno.test("resolvent_mixer reference is the dense solve with the lower factor and with every leading block", async () => {
  for (const n of [1, 2, 3, 8, 64, 200]) {
    for (const eta of [1, 0.3, 0.1, 0.01]) {
      const given = randomCase({ n, eta, columns: 1 });
      const found = await onBackend(oracle, given);
      const x = Array.from(given.x, (value): Complex => [value, 0]);
      const check = (what: string, want: readonly Complex[]): void => {
        const split = (part: number) => Float64Array.from(want, (value) => value[part]);
        const error = relativeToLargest(found, { ...found, re: split(0), im: split(1) });
        assert(error <= 1e-12, `N ${n}, eta ${eta}, ${what}: off by ${error}`);
      };
      check("factor", denseSolve(lowerFactor(given, { re: found.g_re, im: found.g_im }), x));
      const recurrence = inDouble(given);
      check("recurrence", Array.from(recurrence.re, (re, i) => [re, recurrence.im[i]]));
      if (n > 64) continue;
      const matrix = shifted(given);
      check("blocks", x.map((_, i) => denseSolve(matrix, x.slice(0, i + 1))[i]));
    }
  }
});

for (
  const [backend, tolerance] of [
    [oracle, 1e-8], // the golden numbers have 9 digits
    [adapter, 1e-6], // a few roundings of f32
  ] as const
) {
  const mixed = ({ x, v, t, eta, lam }: Readonly<Record<string, Tensor>>) =>
    resolventMixer({ x, v, t, eta, lambda: lam });

  Deno.test(`resolventMixer() agrees with PyTorch, eta and bonds per position, ${backend.facts.name}`, async () => {
    await assertGolden(golden.per_position, {
      backend,
      tolerance,
      build: (_, inputs) => ({ ...mixed(inputs) }),
    });
  });

  Deno.test(`wardNorm() of resolventMixer() agrees with PyTorch, ${backend.facts.name}`, async () => {
    await assertGolden(golden.ward, {
      backend,
      tolerance,
      build: (_, inputs) => ({ ...wardNorm(mixed(inputs), { eta: inputs.eta }) }),
    });
  });
}

Deno.test("resolvent_mixer rows obey sum_j |T_ij|^2 = Im g_i / eta", async () => {
  const n = 60;
  for (const eta of [1, 0.1, 0.01]) {
    const random = randomCase({ n, eta, columns: n });
    // Column j carries the unit vector e_j, so that y is T itself.
    const x = random.x.map((_, k) => Number(Math.floor(k / n) === k % n));
    const { re, im, g_im } = await onBackend(oracle, { ...random, x });
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = 0; j < n; j++) sum += re[i * n + j] ** 2 + im[i * n + j] ** 2;
      const error = Math.abs(sum / (g_im[i] / random.eta) - 1);
      assert(error <= 1e-12, `eta ${eta}, row ${i}: off by ${error}`);
    }
  }
});

Deno.test("resolvent_mixer keeps |y_i| <= |x_{1..i}| / eta on the adapter in every form", async () => {
  for (const eta of [1, 0.03, 1e-3]) {
    for (const given of [randomCase({ n: 1021, eta, columns: 1 }), flatCase(1021, eta)]) {
      for (const form of FORMS) {
        if (form.form === "halo" && eta < 1) continue;
        const { re, im } = await onBackend(adapter, given, { form });
        const { x, columns } = given;
        const sizes = new Float64Array(columns);
        re.forEach((_, k) => {
          sizes[k % columns] += x[k] ** 2;
          const bound = Math.sqrt(sizes[k % columns]) * (1 + 1e-5) / given.eta;
          assert(Math.hypot(re[k], im[k]) <= bound, `${form.form}, eta ${eta}, at ${k}`);
        });
      }
    }
  }
});

Deno.test("resolvent_mixer changes no bit before a changed token, nor of another sequence", async () => {
  const given = randomCase({ n: 130, eta: 0.8, batch: 2, columns: 2 });
  const { n, columns } = given;
  for (const form of FORMS) {
    const before = await onBackend(adapter, given, { form });
    for (const token of [1, 31, 32, 64, 101, 129]) {
      for (const operand of ["v", "t", "x"] as const) {
        const values = given[operand].slice();
        const width = operand === "x" ? columns : 1;
        values[(n + token) * width] += 0.5;
        const after = await onBackend(adapter, { ...given, [operand]: values }, { form });
        const first = (n + token) * columns;
        const what = `${form.form}, ${operand} at ${token}`;
        for (const part of ["re", "im"] as const) {
          assertEquals(after[part].subarray(0, first), before[part].subarray(0, first), what);
        }
        assert(after.re[first] !== before.re[first], `${what}: y stays`);
      }
    }
  }
});

Deno.test("resolvent_mixer gates stay within 1 for eta >= t", async () => {
  const random = randomCase({ n: 4096, eta: 1, bonds: "one" });
  // Diagonals on (-5, 5).
  const given = { ...random, lambda: -2, v: random.v.map((x) => x * 5 / 3) };
  const { g_re, g_im } = await onBackend(adapter, given);
  const largest = g_re.reduce((most, re, i) => Math.max(most, Math.hypot(re, g_im[i])), 0);
  assert(largest > 0.9 && largest <= 1 + 1e-5, `largest gate ${largest}`);
});

Deno.test("resolvent_mixer forgets at the rate arsinh(eta / 2) at the centre of the band", async () => {
  for (const eta of [0.3, 0.1, 0.03]) {
    const given = flatCase(4096, eta);
    const { g_re, g_im } = await onBackend(adapter, given);
    let sum = 0;
    for (let i = 2048; i < 4096; i++) sum -= Math.log(Math.hypot(g_re[i], g_im[i]));
    const error = Math.abs(sum / 2048 / Math.asinh(eta / 2) - 1);
    assert(error <= 0.01, `eta ${eta}: off by ${error}`);
  }
});

Deno.test("resolventMixer() refuses heads that do not divide the columns and operands of other sizes", () => {
  const graph = new Graph();
  const input = (name: string, ...shape: number[]) => graph.input(name, f32(...shape));
  const one = input("one", 1);
  const v = input("v", 2, 5, 3);
  const given = { x: input("x", 2, 5, 6), v, t: one, eta: one, lambda: one };
  const refused = (operands: Partial<typeof given>, message: string) =>
    assertThrows(() => resolventMixer({ ...given, ...operands }), ShapeError, message);
  refused({ x: input("x4", 2, 5, 4) }, "H dividing the columns");
  refused({ x: input("xn", 2, 6, 6) }, "expected (B, N, H)");
  refused({ t: input("t4", 4) }, "t (4)");
  refused({ eta: input("eta", 2, 5, 1) }, "eta (2, 5, 1)");
  refused({ lambda: v }, "lambda (2, 5, 3)");
});
