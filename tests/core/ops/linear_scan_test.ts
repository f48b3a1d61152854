/** The linear scan on the adapter at lengths that take chunks. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { linearScan } from "../../../core/ops/linear_scan.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";
import { relativeError } from "../_trials.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

async function onDevice(n: number, values: Readonly<Record<"a" | "x" | "dy", Float32Array>>) {
  const graph = new Graph();
  const [a, x, dy] = ["a", "x", "dy"].map((name) => graph.input(name, f32(1, n, 2)));
  const y = linearScan(a, x);
  const [da, dx] = gradientsOf([{ tensor: y, cotangent: dy }], [a, x]);
  const outputs = { y, da, dx };
  for (const [name, tensor] of Object.entries(outputs)) graph.output(name, tensor);
  const program = await backend.compile(compilePlan(graph));
  try {
    program.step(values);
    return {
      y: await program.read("y"),
      da: await program.read("da"),
      dx: await program.read("dx"),
    };
  } finally {
    program.destroy();
  }
}

function valuesOf(n: number) {
  const [a, x, dy] = ["a", "x", "dy"].map((name) => stream(4, name));
  const draw = (law: (index: number) => number) =>
    Float32Array.from({ length: 2 * n }, (_, index) => law(index));
  return {
    // Factors of 0.999 and more remember thousands of positions.
    a: draw((index) => 0.999 + 0.001 * uniform(a, { step: 0, index })),
    x: draw((index) => normal(x, { step: 0, index })),
    dy: draw((index) => normal(dy, { step: 0, index })),
  };
}

Deno.test("linear_scan() follows the recurrence of f64 up to N = 131072, and its gradient", async () => {
  for (const n of [255, 256, 257, 4099, 131072]) {
    const { a, x, dy } = valuesOf(n);
    const [y, da, dx] = [x, x, x].map((v) => new Float64Array(v.length));
    for (let i = 0; i < 2 * n; i++) y[i] = (i < 2 ? 0 : a[i] * y[i - 2]) + x[i];
    for (let i = 2 * n - 1; i >= 0; i--) {
      dx[i] = dy[i] + (i + 2 < 2 * n ? a[i + 2] * dx[i + 2] : 0);
      da[i] = i < 2 ? 0 : dx[i] * y[i - 2];
    }
    const got = await onDevice(n, { a, x, dy });
    for (const [name, want] of Object.entries({ y, da, dx })) {
      const error = relativeError(got[name as "y"], want);
      assert(error <= 1e-5, `N ${n}: ${name} is off by ${error}`);
    }
  }
});

Deno.test("linear_scan() changes no bit before a changed position", async () => {
  const values = valuesOf(400);
  const before = await onDevice(400, values);
  for (const position of [0, 127, 128, 399]) {
    const x = values.x.slice();
    x[2 * position] += 1;
    const after = await onDevice(400, { ...values, x });
    const first = 2 * position;
    assertEquals(after.y.subarray(0, first), before.y.subarray(0, first));
    assert(after.y[first] !== before.y[first]);
  }
});
