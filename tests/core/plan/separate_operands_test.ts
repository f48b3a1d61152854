import { assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { recordMetric } from "../../../core/ops/record_metric.ts";
import { relu } from "../../../core/ops/relu.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { ALL_FUSION, NO_FUSION } from "../../../core/plan/fuse.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const X = [1, -2, 3, 5];

/** Values of y(x) for x = (2, 2) of 1, -2, 3, 5, and the ops that ran. */
async function run(y: (x: Tensor) => Tensor, fusion = ALL_FUSION) {
  const graph = new Graph();
  graph.output("y", y(graph.input("x", f32(2, 2))));
  const plan = compilePlan(graph, { fusion });
  const program = await backend.compile(plan);
  try {
    program.step({ x: Float32Array.from(X) });
    return { values: [...await program.read("y")], ops: plan.steps.map(({ op }) => op.name) };
  } finally {
    program.destroy();
  }
}

Deno.test("compilePlan() copies an operand that an op is given twice", async () => {
  // (1 -2; 3 5)² by hand.
  assertEquals(await run((x) => matmul(x, x)), {
    values: [-5, -12, 18, 19],
    ops: ["copy", "matmul"],
  });
});

Deno.test("compilePlan() copies one of two views of a tensor, whatever their shapes", async () => {
  for (const fusion of [NO_FUSION, ALL_FUSION]) {
    const same = await run((x) => add(reshape(x, [4]), reshape(x, [4])), fusion);
    assertEquals(same, { values: X.map((value) => 2 * value), ops: ["copy", "add"] });
    const outer = await run((x) => add(reshape(x, [4, 1]), reshape(x, [4])), fusion);
    assertEquals(outer, { values: X.flatMap((a) => X.map((b) => a + b)), ops: ["copy", "add"] });
  }
});

Deno.test("compilePlan() copies what died just before, not what took its memory", async () => {
  const { values } = await run((x) => {
    const y = relu(x); // 1, 0, 3, 5
    return multiply(matmul(reshape(y, [2, 2]), y), reshape(y, [2, 2]));
  });
  // (1 0; 3 5)² = (1 0; 18 25), times (1 0; 3 5).
  assertEquals(values, [1, 0, 54, 125]);
});

Deno.test("compilePlan() copies nothing where operands differ or one launch reads a tensor once", async () => {
  assertEquals((await run((x) => multiply(x, x))).ops, ["multiply"]);
  assertEquals((await run((x) => matmul(relu(x), x))).ops, ["relu", "matmul"]);
});

Deno.test("compilePlan() leaves an operand that the op updates in place and copies the other", () => {
  const graph = new Graph();
  const ring = graph.arena("metric", f32(1, 2));
  const slot = graph.input("slot", i32(1));
  recordMetric({ ring, slot, values: reshape(ring, [2]) }, { column: 0 });
  const { steps, tensors } = compilePlan(graph);
  assertEquals(steps.map(({ op }) => op.name), ["copy", "record_metric"]);
  const [updated, , values] = steps[1].reads.map((index) => tensors[index].arena);
  assertEquals([updated, values], ["metric", "activation"]);
});
