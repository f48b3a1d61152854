import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { op, pad } from "../../../core/ops/pad.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { runOp } from "./_run_op.ts";

const backends = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

Deno.test("pad() puts zeros where torch does along every axis", async () => {
  // torch 1.13: F.pad(torch.arange(1., 5.).reshape(1, 2, 2), pairs).flatten(), pairs from the last axis on
  const inputs = [{ type: f32(1, 2, 2), values: [1, 2, 3, 4] }];
  const cases = [
    { axis: 0, before: 1, after: 0, want: [0, 0, 0, 0, 1, 2, 3, 4] },
    { axis: 1, before: 1, after: 2, want: [0, 0, 1, 2, 3, 4, 0, 0, 0, 0] },
    { axis: 2, before: 2, after: 1, want: [0, 0, 1, 2, 0, 0, 0, 3, 4, 0] },
  ];
  for (const { want, ...attributes } of cases) {
    for (const backend of backends) {
      assertEquals(await runOp(backend, op, { inputs, attributes }), [want]);
    }
  }
});

Deno.test("pad() of nothing is the tensor itself", () => {
  const x = new Graph().input("x", f32(2, 3));
  assertStrictEquals(pad(x, { axis: 1, before: 0, after: 0 }), x);
});

Deno.test("pad() refuses negative counts, axes that are not there and integers", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2, 3));
  for (const [before, after] of [[-1, 2], [0, -1], [0.5, 0], [NaN, 1]]) {
    assertThrows(() => pad(x, { axis: 1, before, after }), ShapeError, `${before} zeros`);
  }
  assertThrows(() => pad(x, { axis: 2, before: 1, after: 0 }), ShapeError, "axis 2");
  const ids = graph.input("ids", i32(3));
  assertThrows(() => pad(ids, { axis: 0, before: 1, after: 1 }), ShapeError, "i32");
});
