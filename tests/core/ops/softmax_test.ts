import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { op, softmax } from "../../../core/ops/softmax.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { runOp } from "./_run_op.ts";

const backends = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

Deno.test("softmax() of logarithms gives their shares, at any shift", async () => {
  const logs = [1, 2, 3, 4].map(Math.log);
  const shifted = [0, 80, -300].flatMap((shift) => logs.map((value) => value + shift));
  const given = { inputs: [{ type: f32(3, 4), values: shifted }], attributes: {} };
  for (const backend of backends) {
    const [y] = await runOp(backend, op, given);
    y.forEach((value, i) => {
      const error = Math.abs(value - (i % 4 + 1) / 10);
      assert(error <= 2e-5, `element ${i} is ${value}`); // f32 holds a logarithm near 300 to 1.5e-5
    });
  }
});

Deno.test("softmax() gives zero to -infinity, and NaN to a whole row that holds NaN", async () => {
  const given = {
    inputs: [{ type: f32(2, 3), values: [-Infinity, 2, 2, 1, NaN, 5] }],
    attributes: {},
  };
  for (const backend of backends) {
    const [y] = await runOp(backend, op, given);
    assertEquals(y, [0, 0.5, 0.5, NaN, NaN, NaN]);
  }
});

Deno.test("softmax() refuses integers and scalars", () => {
  const graph = new Graph();
  const ids = graph.input("ids", i32(3));
  const scalar = graph.input("scalar", f32());
  assertThrows(() => softmax(ids), ShapeError, "i32");
  assertThrows(() => softmax(scalar), ShapeError, "last axis");
});
