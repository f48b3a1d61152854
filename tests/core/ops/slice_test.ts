import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { op, slice } from "../../../core/ops/slice.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { runOp } from "./_run_op.ts";

const backends = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

Deno.test("slice() cuts as torch does along every axis", async () => {
  // torch 1.13: torch.arange(24.).reshape(2, 3, 4).narrow(axis, from, to - from).flatten()
  const inputs = [{ type: f32(2, 3, 4), values: Array.from({ length: 24 }, (_, i) => i) }];
  const cases = [
    { axis: 0, from: 1, to: 2, want: [12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23] },
    {
      axis: 1,
      from: 1,
      to: 3,
      want: [4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20, 21, 22, 23],
    },
    { axis: 2, from: 1, to: 3, want: [1, 2, 5, 6, 9, 10, 13, 14, 17, 18, 21, 22] },
    { axis: 2, from: 4, to: 4, want: [] },
  ];
  for (const { want, ...attributes } of cases) {
    for (const backend of backends) {
      assertEquals(await runOp(backend, op, { inputs, attributes }), [want]);
    }
  }
});

Deno.test("slice() of the whole axis is the tensor itself", () => {
  const x = new Graph().input("x", f32(2, 3));
  assertStrictEquals(slice(x, { axis: 1, from: 0, to: 3 }), x);
});

Deno.test("slice() refuses ranges outside the axis, axes that are not there and integers", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2, 3));
  for (const [from, to] of [[-1, 2], [2, 1], [0, 4], [0.5, 2], [NaN, 2]]) {
    assertThrows(() => slice(x, { axis: 1, from, to }), ShapeError, `${from} to ${to}`);
  }
  for (const axis of [-1, 2]) {
    assertThrows(() => slice(x, { axis, from: 0, to: 1 }), ShapeError, `axis ${axis}`);
  }
  const ids = graph.input("ids", i32(3));
  assertThrows(() => slice(ids, { axis: 0, from: 0, to: 1 }), ShapeError, "i32");
});
