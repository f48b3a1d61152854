import { assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { batchedMatmul } from "../../../core/ops/batched_matmul.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/bmm_torch.json" with { type: "json" };
import { assertGolden } from "../_golden_case.ts";

const backends = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

for (const layout of ["nn", "tn", "nt", "tt"] as const) {
  Deno.test(`batchedMatmul() gives the values and gradients of torch.bmm, layout ${layout}`, async () => {
    for (const backend of backends) {
      await assertGolden(golden[layout], {
        backend,
        tolerance: 1e-6, // sums of five products
        build: (_, { a, b }) => ({
          c: batchedMatmul(a, b, {
            transposeA: layout[0] === "t",
            transposeB: layout[1] === "t",
          }),
        }),
      });
    }
  });
}

Deno.test("batchedMatmul() refuses other numbers of products, inner sizes and ranks", () => {
  const graph = new Graph();
  const a = graph.input("a", f32(3, 4, 5));
  const refused = (...shape: number[]) => () =>
    batchedMatmul(a, graph.input(shape.join(), f32(...shape)));
  assertThrows(refused(2, 5, 4), ShapeError, "numbers of products must agree, got 3 and 2");
  assertThrows(refused(3, 4, 5), ShapeError, "inner sizes must agree, got 5 and 4");
  assertThrows(refused(5, 4), ShapeError, "expected rank 3");
});
