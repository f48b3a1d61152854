import { assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { linear } from "../../../core/layers/linear.ts";
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
  Deno.test(`linear() agrees with PyTorch, values and gradients, ${backend.facts.name}`, async () => {
    await assertGolden(golden.linear, {
      backend,
      tolerance,
      parameters: ["weight", "bias"],
      build: (_, { x }) => ({ y: linear(x, { name: "map", outputs: 8, std: 1, bias: true }) }),
    });
  });
}

Deno.test("linear() declares a decayed normal weight and, if asked, a bias of 0", () => {
  const graph = new Graph();
  const y = linear(graph.input("x", f32(2, 3, 4)), { name: "map", outputs: 5, std: 0.02 });
  assertEquals(y.type, f32(2, 3, 5));
  linear(y, { name: "other", outputs: 1, std: 0.5, bias: true });
  assertEquals(graph.parameters.map(({ source, type }) => [source, type.shape]), [
    [{
      kind: "parameter",
      name: "map/weight",
      initial: { kind: "normal", standardDeviation: 0.02 },
      decay: true,
    }, [4, 5]],
    [{
      kind: "parameter",
      name: "other/weight",
      initial: { kind: "normal", standardDeviation: 0.5 },
      decay: true,
    }, [5, 1]],
    [{
      kind: "parameter",
      name: "other/bias",
      initial: { kind: "constant", value: 0 },
      decay: false,
    }, [1]],
  ]);
});
