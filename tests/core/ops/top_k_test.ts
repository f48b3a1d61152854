import { assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { op, topK } from "../../../core/ops/top_k.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { runOp } from "./_run_op.ts";

const backends = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

Deno.test("topK() takes the smaller column of equal values, and sorts by value", async () => {
  const x = [
    [1, 3, 3, 2],
    [5, 5, 5, 5],
    [-1, -2, -1, -1],
    [0, -0, -7, 0], // zeros of both signs are equal
    [-Infinity, 4, -Infinity, -Infinity],
    [1, 2, 3, 4],
  ];
  const given = {
    inputs: [{ type: f32(6, 4), values: x.flat() }],
    attributes: { k: 3 },
  };
  for (const backend of backends) {
    const [indices, values] = await runOp(backend, op, given);
    // By hand.
    assertEquals(indices, [1, 2, 3, 0, 1, 2, 0, 2, 3, 0, 1, 3, 1, 0, 2, 3, 2, 1]);
    assertEquals(values.slice(0, 9), [3, 3, 2, 5, 5, 5, -1, -1, -1]);
    assertEquals(values.slice(12), [4, -Infinity, -Infinity, 4, 3, 2]);
  }
});

Deno.test("topK() gives NaN and valid columns for a row that holds NaN", async () => {
  const given = {
    inputs: [{ type: f32(2, 4), values: [9, NaN, 1, 2, 9, 8, 1, 2] }],
    attributes: { k: 2 },
  };
  for (const backend of backends) {
    const [indices, values] = await runOp(backend, op, given);
    assertEquals(indices, [0, 1, 0, 1]);
    assertEquals(values, [NaN, NaN, 9, 8]);
  }
});

Deno.test("topK() refuses a k that is no integer from 1 to min(8, columns)", () => {
  const graph = new Graph();
  const narrow = graph.input("narrow", f32(3, 4));
  const wide = graph.input("wide", f32(3, 40));
  assertThrows(() => topK(narrow, 5), ShapeError, "from 1 to 4");
  assertThrows(() => topK(wide, 9), ShapeError, "from 1 to 8");
  assertThrows(() => topK(wide, 0), ShapeError, "from 1 to 8");
  assertThrows(() => topK(wide, 1.5), ShapeError, "from 1 to 8");
});
