/** The selective scan on the adapter at lengths that take several chunks and launches. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { selectiveScan } from "../../../core/ops/selective_scan.ts";
import type { Discretisation } from "../../../core/ops/selective_scan_parts.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";
import { relativeError } from "../_trials.ts";

const [D, S] = [3, 4];
const NAMES = ["x", "delta", "a", "b", "c"] as const;
type Name = typeof NAMES[number];
type Values = Readonly<Record<Name | "dy", Float32Array>>;

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

/** One sequence; steps scaled by `scale`, between a thousandth and a tenth of it as at the start of training. */
function valuesOf(n: number, scale = 1): Values {
  const draw = (name: string, count: number, law: (u: number, z: number) => number) => {
    const from = stream(9, name);
    return Float32Array.from({ length: count }, (_, index) => {
      const at = { step: 0, index };
      return law(uniform(from, at), normal(from, at));
    });
  };
  return {
    x: draw("x", n * D, (_, z) => z),
    delta: draw("delta", n * D, (u) => scale * 10 ** (2 * u - 3)),
    a: draw("a", D * S, (u) => -0.5 - 4 * u),
    b: draw("b", n * S, (_, z) => z),
    c: draw("c", n * S, (_, z) => z),
    dy: draw("dy", n * D, (_, z) => z),
  };
}

async function onDevice(n: number, options: {
  readonly values: Values;
  readonly discretisation: Discretisation;
}): Promise<Readonly<Record<string, Float64Array>>> {
  const graph = new Graph();
  const types = {
    x: f32(1, n, D),
    delta: f32(1, n, D),
    a: f32(D, S),
    b: f32(1, n, S),
    c: f32(1, n, S),
  };
  const tensors = NAMES.map((name) => graph.input(name, types[name]));
  const [x, delta, a, b, c] = tensors;
  const y = selectiveScan({ x, delta, a, b, c }, options);
  const dy = graph.input("dy", types.x);
  const found = gradientsOf([{ tensor: y, cotangent: dy }], tensors);
  graph.output("y", y);
  NAMES.forEach((name, k) => graph.output(`d${name}`, found[k]));
  const program = await backend.compile(compilePlan(graph));
  try {
    program.step(options.values);
    const labels = ["y", ...NAMES.map((name) => `d${name}`)];
    const read: Record<string, Float64Array> = {};
    for (const label of labels) read[label] = await program.read(label);
    return read;
  } finally {
    program.destroy();
  }
}

/** The recurrence and its adjoint in f64, position by position. */
function inDouble(n: number, { values, discretisation }: {
  readonly values: Values;
  readonly discretisation: Discretisation;
}): Readonly<Record<string, Float64Array>> {
  const { x, delta, a, b, c, dy } = values;
  const like = (v: Float32Array) => new Float64Array(v.length);
  const out = { y: like(x), dx: like(x), ddelta: like(x), da: like(a), db: like(b), dc: like(c) };
  const isEuler = discretisation === "euler";
  for (let k = 0; k < D * S; k++) {
    const [channel, s] = [Math.floor(k / S), k % S];
    const h = new Float64Array(n + 1);
    const gainAt = (step: number) => isEuler ? step : Math.expm1(a[k] * step) / a[k];
    for (let t = 0; t < n; t++) {
      const [cell, weight] = [t * D + channel, t * S + s];
      const step = delta[cell];
      h[t + 1] = Math.exp(a[k] * step) * h[t] + gainAt(step) * b[weight] * x[cell];
      out.y[cell] += c[weight] * h[t + 1];
    }
    let l = 0;
    for (let t = n - 1; t >= 0; t--) {
      const [cell, weight] = [t * D + channel, t * S + s];
      const [step, e] = [delta[cell], Math.exp(a[k] * delta[cell])];
      l += c[weight] * dy[cell];
      out.dc[weight] += dy[cell] * h[t + 1];
      out.db[weight] += l * gainAt(step) * x[cell];
      out.dx[cell] += l * gainAt(step) * b[weight];
      const w = l * b[weight] * x[cell];
      out.ddelta[cell] += l * h[t] * e * a[k] + w * (isEuler ? 1 : e);
      out.da[k] += l * h[t] * e * step + (isEuler ? 0 : w * (step * e - gainAt(step)) / a[k]);
      l *= e;
    }
  }
  return out;
}

for (const discretisation of ["euler", "zoh"] as const) {
  Deno.test(`selective_scan() ${discretisation} follows the recurrence of f64 over chunks and launches`, async () => {
    // 64 positions a chunk, 8192 a launch.
    for (const n of [63, 64, 65, 4096, 8192 + 67]) {
      const given = { values: valuesOf(n), discretisation };
      const got = await onDevice(n, given);
      for (const [name, want] of Object.entries(inDouble(n, given))) {
        const error = relativeError(got[name], want);
        assert(error <= 1e-5, `N ${n}: ${name} is off by ${error}`);
      }
    }
  });
}

Deno.test("selective_scan() changes no bit before a changed position", async () => {
  const n = 200;
  const values = valuesOf(n);
  const before = await onDevice(n, { values, discretisation: "euler" });
  for (const position of [0, 64, 131]) {
    const x = values.x.slice();
    x[position * D] += 1;
    const after = await onDevice(n, { values: { ...values, x }, discretisation: "euler" });
    const first = position * D;
    assertEquals(after.y.subarray(0, first), before.y.subarray(0, first));
    assert(after.y[first] !== before.y[first]);
  }
});

Deno.test("selective_scan() by euler and zoh agree to first order in the step", async () => {
  const gapAt = async (scale: number): Promise<number> => {
    const values = valuesOf(32, scale);
    const [euler, zoh] = [
      await onDevice(32, { values, discretisation: "euler" }),
      await onDevice(32, { values, discretisation: "zoh" }),
    ];
    return relativeError(euler.y, zoh.y);
  };
  const slope = Math.log10(await gapAt(1) / await gapAt(0.1));
  assert(Math.abs(slope - 1) < 0.1, `slope ${slope}`);
});
