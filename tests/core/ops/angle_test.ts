/** The kernel of angle: its polynomial is that of atan2, and its values are the angles of all directions. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { angle, op } from "../../../core/ops/angle.ts";
import { ATAN_COEFFICIENTS } from "../../../core/ops/atan2.ts";
import source from "../../../shaders/angle.wgsl" with { type: "text" };
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { runOp } from "./_run_op.ts";

Deno.test("angle() has the coefficients of atan2 in its shader", () => {
  const constants = [...source.matchAll(/^const C(\d) = (\S+)f;$/gm)];
  assertEquals(constants.map(([, index]) => Number(index)), [0, 1, 2, 3, 4, 5, 6, 7]);
  assertEquals(constants.map(([, , value]) => Number(value)), ATAN_COEFFICIENTS);
});

Deno.test("angle() is within 5e-7 of the angle all round the circle, and 0 at the origin", async () => {
  const backend = await webGpuBackend();
  try {
    const turn = Array.from({ length: 4099 }, (_, k) => 0.37 + 1.7 * k);
    const points = turn.flatMap((t) => [Math.cos(t), Math.sin(t)].map(Math.fround));
    const exact = [0, 0, 1, 0, -1, 0, -1, -0, 0, 1, 0, -1];
    const values = [...points, ...exact];
    const [angles] = await runOp(backend, op, {
      inputs: [{ type: f32(values.length / 2, 2), values }],
      attributes: {},
    });
    turn.forEach((_, k) => {
      const error = Math.abs(angles[k] - Math.atan2(points[2 * k + 1], points[2 * k]));
      assert(error <= 5e-7, `(${points[2 * k]}, ${points[2 * k + 1]}) is off by ${error}`);
    });
    const [whole, half] = [Math.PI, Math.PI / 2].map(Math.fround);
    assertEquals(angles.slice(turn.length), [0, 0, whole, whole, half, -half]);
  } finally {
    backend.destroy();
  }
});

Deno.test("angle() of a pair with a NaN is NaN, whatever the other part", async () => {
  const finite = [0, -0, 1, -1, 1e30, -1e-30, Infinity, -Infinity, NaN];
  const values = [...finite.flatMap((v) => [NaN, v, v, NaN]), 1, 1];
  const backend = await webGpuBackend();
  try {
    for (const on of [backend, referenceBackend({ precision: "f64" })]) {
      const inputs = [{ type: f32(values.length / 2, 2), values }];
      const [angles] = await runOp(on, op, { inputs, attributes: {} });
      assertEquals(angles.slice(0, -1), new Array<number>(2 * finite.length).fill(NaN));
      assert(Math.abs(angles.at(-1)! - Math.PI / 4) <= 5e-7);
    }
  } finally {
    backend.destroy();
  }
});

Deno.test("angle() of infinite parts is what IEEE 754-2019 §9.2.1 asks of atan2", async () => {
  const [quarter, whole] = [Math.PI / 4, Math.PI];
  const want: readonly (readonly [x: number, y: number, angle: number])[] = [
    [Infinity, Infinity, quarter],
    [-Infinity, Infinity, 3 * quarter],
    [-Infinity, -Infinity, -3 * quarter],
    [Infinity, -Infinity, -quarter],
    [7, Infinity, 2 * quarter],
    [7, -Infinity, -2 * quarter],
    [Infinity, -7, 0],
    [-Infinity, 7, whole],
    [-Infinity, -7, -whole],
  ];
  const backend = await webGpuBackend();
  try {
    const values = want.flatMap(([x, y]) => [x, y]);
    const [angles] = await runOp(backend, op, {
      inputs: [{ type: f32(want.length, 2), values }],
      attributes: {},
    });
    want.forEach(([x, y, angle], k) => {
      const error = Math.abs(angles[k] - angle);
      assert(error <= 5e-7, `the angle of (${x}, ${y}) is ${angles[k]}, expected ${angle}`);
    });
  } finally {
    backend.destroy();
  }
});

Deno.test("angle() refuses what is not pairs", () => {
  const graph = new Graph();
  assertThrows(() => angle(graph.input("z", f32(2, 3))), ShapeError, "last axis of size 2");
  assertThrows(() => angle(graph.input("scalar", f32())), ShapeError, "last axis of size 2");
});
