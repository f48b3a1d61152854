import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { causalAttention, op } from "../../../core/ops/causal_attention.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/ops_torch.json" with { type: "json" };
import { assertGolden } from "../_golden_case.ts";
import { runOp } from "./_run_op.ts";

const GOLDEN_RTOL = 1e-8; // the golden numbers have 9 digits
const ADAPTER_RTOL = 1e-5; // as in the trials of the op

const adapter = await webGpuBackend();
globalThis.addEventListener("unload", () => adapter.destroy());

for (
  const [backend, tolerance] of [
    [referenceBackend({ precision: "f64" }), GOLDEN_RTOL],
    [adapter, ADAPTER_RTOL],
  ] as const
) {
  Deno.test(`causalAttention() agrees with PyTorch, values and gradients, ${backend.facts.name}`, async () => {
    const { heads } = golden.attention;
    await assertGolden(golden.attention, {
      backend,
      tolerance,
      build: (_, { q, k, v }) => ({ out: causalAttention({ q, k, v }, { heads }) }),
    });
  });
}

Deno.test("causalAttention() copies the first value, whatever the scores", async () => {
  const type = f32(1, 3, 4);
  const [q, k, v] = [[9, -3, 2, 1], [4, 4, -8, 0.5], [1.5, -2, 3.25, 0]].map((row) => ({
    type,
    values: [...row, ...row, ...row],
  }));
  const [out] = await runOp(adapter, op, { inputs: [q, k, v], attributes: { heads: 1 } });
  // Equal values: any weights that sum to one give the value back.
  assertEquals(out.slice(0, 4), v.values.slice(0, 4));
  out.forEach((value, i) => assert(Math.abs(value - v.values[i]) <= 1e-6));
});

Deno.test("causalAttention() keeps the bits before a changed position, 70 positions", async () => {
  const [length, channels, changed] = [70, 16, 41];
  const wave = (phase: number) => (_: unknown, i: number): number => Math.sin(phase + 1.7 * i);
  const inputs = [1, 2, 3].map((phase) => ({
    type: f32(1, length, channels),
    values: Array.from({ length: length * channels }, wave(phase)),
  }));
  const other = inputs.map(({ type, values }) => ({
    type,
    values: values.map((x, i) => i >= changed * channels ? -3 * x + 1 : x),
  }));
  const attributes = { heads: 2 };
  const [before] = await runOp(adapter, op, { inputs, attributes });
  const [after] = await runOp(adapter, op, { inputs: other, attributes });
  const first = changed * channels;
  assertEquals(after.slice(0, first), before.slice(0, first));
  assert(after.slice(first).every((x, i) => x !== before[first + i]), "later rows must change");
});

Deno.test("causalAttention() stays finite, scores far beyond the range of exp", async () => {
  const type = f32(1, 20, 4);
  const values = Array.from({ length: 80 }, (_, i) => 100 * Math.sin(i));
  const inputs = [{ type, values }, { type, values }, { type, values }];
  const [out, logsumexp] = await runOp(adapter, op, { inputs, attributes: { heads: 1 } });
  assert([...out, ...logsumexp].every(Number.isFinite));
  assert(out.every((x) => Math.abs(x) <= 100.001), "a mean of values lies among them");
});

Deno.test("causalAttention() holds no tensor of length² numbers", () => {
  const [length, channels] = [512, 8];
  const graph = new Graph();
  const [q, k, v] = ["q", "k", "v"].map((name) => graph.input(name, f32(1, length, channels)));
  graph.output("out", causalAttention({ q, k, v }, { heads: 1 }));
  const { arenaBytes } = compilePlan(graph);
  assert(arenaBytes.activation < 4 * length * length / 10, `${arenaBytes.activation} bytes`);
});

Deno.test("causalAttention() throws, widths and shapes it cannot use", () => {
  const attempt = (channels: number, heads: number) => () =>
    op.infer([1, 2, 3].map(() => f32(2, 3, channels)), { heads });
  assertThrows(attempt(12, 2), ShapeError, "multiple of 4, at most 128, got 6");
  assertThrows(attempt(264, 2), ShapeError, "got 132");
  assertThrows(attempt(12, 0), ShapeError, "into 0 heads");
  assertThrows(
    () => op.infer([f32(2, 3, 8), f32(2, 4, 8), f32(2, 3, 8)], { heads: 1 }),
    ShapeError,
    "keys",
  );
});
