import { assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { layerNorm } from "../../../core/layers/layer_norm.ts";
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
  Deno.test(`layerNorm() agrees with PyTorch, values and gradients, ${backend.facts.name}`, async () => {
    await assertGolden(golden.layer_norm, {
      backend,
      tolerance,
      parameters: ["gain", "bias"],
      build: (_, { x }) => ({ y: layerNorm(x, { name: "norm" }) }),
    });
  });
}

Deno.test("layerNorm() declares gain 1 and bias 0, neither decayed, under its name", () => {
  const graph = new Graph();
  const y = layerNorm(graph.input("x", f32(2, 3, 4)), { name: "norm" });
  assertEquals(y.type, f32(2, 3, 4));
  assertEquals(graph.parameters.map(({ source, type }) => [source, type.shape]), [
    [{
      kind: "parameter",
      name: "norm/gain",
      initial: { kind: "constant", value: 1 },
      decay: false,
    }, [4]],
    [{
      kind: "parameter",
      name: "norm/bias",
      initial: { kind: "constant", value: 0 },
      decay: false,
    }, [4]],
  ]);
});
