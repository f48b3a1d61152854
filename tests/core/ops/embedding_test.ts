import { assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { embedding, op } from "../../../core/ops/embedding.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { runOp } from "./_run_op.ts";

const backends = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

Deno.test("embedding() gives NaN for ids outside the table, and only there", async () => {
  for (const channels of [3, 4]) {
    const table = Array.from({ length: 5 * channels }, (_, i) => i);
    const row = (id: number): number[] => table.slice(id * channels, (id + 1) * channels);
    const bad = new Array<number>(channels).fill(NaN);
    const given = {
      inputs: [
        { type: f32(5, channels), values: table },
        { type: i32(2, 3), values: [4, -1, 0, 5, 2147483647, 1] },
      ],
      attributes: {},
    };
    for (const backend of backends) {
      const [y] = await runOp(backend, op, given);
      assertEquals(y, [row(4), bad, row(0), bad, bad, row(1)].flat());
    }
  }
});

Deno.test("embedding() refuses ids that are no integers", () => {
  const graph = new Graph();
  const table = graph.input("table", f32(5, 2));
  const ids = graph.input("ids", f32(3));
  assertThrows(() => embedding(table, ids), ShapeError, "expected i32");
});
