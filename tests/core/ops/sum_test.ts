/** Sums over an axis without terms, on memory that held something else. */
import { assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { scale } from "../../../core/ops/scale.ts";
import { sum } from "../../../core/ops/sum.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { NO_FUSION } from "../../../core/plan/fuse.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

Deno.test("sum() of no terms is 0 in memory that held other numbers", async () => {
  for (const on of [backend, referenceBackend({ precision: "f64" })]) {
    const graph = new Graph();
    // Dead once its sum is there, so that the sum of nothing takes its place.
    const first = sum(scale(graph.input("t", f32(2)), 3), { axis: 0 });
    const nothing = sum(graph.input("empty", f32(2, 0)), { axis: 1 });
    graph.output("first", first);
    graph.output("nothing", nothing);
    const plan = compilePlan(graph, { fusion: NO_FUSION });
    const [scaled, zeros] = [plan.steps[0].writes[0], plan.outputs.get("nothing")!];
    assertEquals(plan.tensors[zeros].byteOffset, plan.tensors[scaled].byteOffset);
    const program = await on.compile(plan);
    program.step({ t: Float32Array.of(5, 7), empty: new Float32Array(0) });
    assertEquals([...await program.read("first")], [36]);
    assertEquals([...await program.read("nothing")], [0, 0]);
    program.destroy();
  }
});
