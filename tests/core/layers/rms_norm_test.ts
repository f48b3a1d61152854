import { assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { rmsNorm } from "../../../core/layers/rms_norm.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/ops_torch.json" with { type: "json" };
import { assertGolden } from "../_golden_case.ts";

const GOLDEN_RTOL = 1e-8; // the golden numbers have 9 digits
const ADAPTER_RTOL = 5e-6; // sums of 12 to 20 terms of both signs

const adapter = await webGpuBackend();
globalThis.addEventListener("unload", () => adapter.destroy());

for (
  const [backend, tolerance] of [
    [referenceBackend({ precision: "f64" }), GOLDEN_RTOL],
    [adapter, ADAPTER_RTOL],
  ] as const
) {
  Deno.test(`rmsNorm() agrees with PyTorch, values and gradients, ${backend.facts.name}`, async () => {
    await assertGolden(golden.rms_norm, {
      backend,
      tolerance,
      parameters: ["gain"],
      build: (_, { x }) => ({ y: rmsNorm(x, { name: "norm" }) }),
    });
  });
}

Deno.test("rmsNorm() declares a gain of 1 without decay, under its name", () => {
  const graph = new Graph();
  const y = rmsNorm(graph.input("x", f32(2, 3, 4)), { name: "norm" });
  assertEquals(y.type, f32(2, 3, 4));
  assertEquals(graph.parameters.map(({ source, type }) => [source, type.shape]), [
    [{
      kind: "parameter",
      name: "norm/gain",
      initial: { kind: "constant", value: 1 },
      decay: false,
    }, [4]],
  ]);
});
