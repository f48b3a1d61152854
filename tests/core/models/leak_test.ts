/**
 * The expected leak: the bidirectional core, which the write-ups use for language modelling, changes
 * earlier outputs when a later token changes. This test documents that the causality test can fail.
 */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { bkCore, type BkDirection } from "../../../core/ops/bk_core.ts";
import { fill } from "../../../core/ops/fill.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";

const N = 40;

async function changesBefore(mode: BkDirection): Promise<readonly [number, number]> {
  const backend = await webGpuBackend();
  const graph = new Graph();
  const v = graph.input("v", f32(1, 1, N));
  const one = fill(graph, { shape: [1], value: 1 });
  const zero = fill(graph, { shape: [1], value: 0 });
  graph.output(
    "g",
    bkCore({ v, p: one, eta: fill(graph, { shape: [1], value: 1 }), lambda: zero }, { mode }),
  );
  const program = await backend.compile(compilePlan(graph));
  try {
    const potential = Float32Array.from({ length: N }, (_, i) => Math.sin(i * 1.7));
    program.step({ v: potential });
    const before = await program.read("g");
    potential[20] += 1;
    program.step({ v: potential });
    const after = await program.read("g");
    const changed = after.map((value, i) => Object.is(value, before[i]) ? 0 : 1);
    const count = (from: number, to: number) =>
      changed.subarray(from, to).reduce((a, b) => a + b, 0);
    return [count(0, 40), count(40, 2 * N)];
  } finally {
    program.destroy();
    backend.destroy();
  }
}

Deno.test("bk_core causal passes the causality bit test: no output before the changed site moves", async () => {
  const [earlier, later] = await changesBefore("causal");
  assertEquals(earlier, 0);
  assert(later > 0);
});

Deno.test("bk_core bidirectional fails the causality bit test: outputs before the changed site move", async () => {
  const [earlier] = await changesBefore("bidirectional");
  assert(earlier > 0, "the bidirectional core no longer leaks: then it is not the published one");
});
