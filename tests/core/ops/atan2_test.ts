/** The arc tangent of our own: its coefficients, its error in f32, and its values on the adapter. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { ATAN_COEFFICIENTS, op } from "../../../core/ops/atan2.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { fitAtan, oddPolynomial } from "../../golden/atan2_coefficients.ts";
import { runOp } from "./_run_op.ts";

Deno.test("ATAN_COEFFICIENTS are the minimax fit of degree 15, rounded to f32", () => {
  const { coefficients, error } = fitAtan(8);
  assertEquals(ATAN_COEFFICIENTS, coefficients.map(Math.fround));
  assert(error <= 4e-8, `the fit is off by ${error}`);
  const worst = Math.max(...Array.from(
    { length: 5001 },
    (_, k) => Math.abs(oddPolynomial(coefficients, k / 5000) - Math.atan(k / 5000)),
  ));
  assert(
    Math.abs(worst - error) <= 1e-3 * error,
    `${worst} on a grid, ${error} at the alternations`,
  );
});

Deno.test("the arc tangent by Horner in f32 is off by at most 2e-7 on [0, 1]", () => {
  const { fround } = Math;
  let worst = 0;
  for (let k = 0; k <= 200000; k++) {
    const r = fround(k / 200000);
    const q = fround(r * r);
    const sum = ATAN_COEFFICIENTS.reduceRight((rest, c) => fround(fround(rest * q) + c), 0);
    worst = Math.max(worst, Math.abs(fround(r * sum) - Math.atan(r)));
  }
  assert(worst <= 2e-7, `off by ${worst}`);
});

Deno.test("atan2() is within 5e-7 of the angle all round the circle, and 0 at the origin", async () => {
  const backend = await webGpuBackend();
  try {
    const count = 4099;
    const y = Array.from({ length: count }, (_, k) => Math.fround(Math.sin(0.37 + k * 1.7)));
    const x = Array.from({ length: count }, (_, k) => Math.fround(Math.cos(0.37 + k * 1.7)));
    const zeros = [[0, 0], [0, 1], [0, -1], [1, 0], [-1, 0]];
    const given = {
      inputs: [
        { type: f32(count + 5), values: [...y, ...zeros.map(([a]) => a)] },
        { type: f32(count + 5), values: [...x, ...zeros.map(([, b]) => b)] },
      ],
      attributes: op.trials[0].attributes,
    };
    const [angles] = await runOp(backend, op, given);
    for (let k = 0; k < count; k++) {
      const error = Math.abs(angles[k] - Math.atan2(y[k], x[k]));
      assert(error <= 5e-7, `atan2(${y[k]}, ${x[k]}) is off by ${error}`);
    }
    const half = Math.fround(Math.PI / 2);
    assertEquals(angles.slice(count), [0, 0, Math.fround(Math.PI), half, -half]);
  } finally {
    backend.destroy();
  }
});

Deno.test("atan2() is NaN where an operand is, with one lane per number and with four", async () => {
  const finite = [0, -0, 1, -1, 1e30, -1e-30, Infinity, -Infinity, NaN];
  const y = [...finite.map(() => NaN), ...finite, 1];
  const x = [...finite, ...finite.map(() => NaN), 1];
  const backend = await webGpuBackend();
  try {
    for (const on of [backend, referenceBackend({ precision: "f64" })]) {
      for (const count of [y.length, y.length + 1]) { // 19 and 20, which is a multiple of four
        const filled = (values: readonly number[]) => [...values, 1].slice(0, count);
        const inputs = [y, x].map((values) => ({ type: f32(count), values: filled(values) }));
        const [angles] = await runOp(on, op, { inputs, attributes: op.trials[0].attributes });
        assertEquals(angles.slice(0, 2 * finite.length), new Array(2 * finite.length).fill(NaN));
        assert(angles.slice(2 * finite.length).every((v) => Math.abs(v - Math.PI / 4) <= 5e-7));
      }
    }
  } finally {
    backend.destroy();
  }
});
