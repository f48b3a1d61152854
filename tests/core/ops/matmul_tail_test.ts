/** Products with tails against the f64 definition, at sizes of every kernel, with every kind of operand. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { Preset } from "../../../core/graph/op.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { gelu } from "../../../core/ops/gelu.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { relu } from "../../../core/ops/relu.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { relativeError, trialValues } from "../_trials.ts";

const backends = await Promise.all(
  (["software-adapter", "gpu"] as const satisfies readonly Preset[]).map((preset) =>
    webGpuBackend({ preset })
  ),
);
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

/** relu(x w + bias) gate + residual, with the residual under another shape. */
function tailed([rows, inner, columns]: readonly number[]) {
  const graph = new Graph();
  const x = graph.input("x", f32(rows, inner));
  const w = graph.input("w", f32(inner, columns));
  const bias = graph.input("bias", f32(columns));
  const gate = graph.input("gate", f32(1));
  const residual = graph.input("residual", f32(rows * columns));
  const active = relu(add(matmul(x, w), bias));
  graph.output("y", add(multiply(active, gate), reshape(residual, [rows, columns])));
  return graph;
}

async function run(graph: Graph, backend: Backend) {
  const plan = compilePlan(graph);
  const program = await backend.compile(plan);
  try {
    program.step(Object.fromEntries(
      graph.inputs.map(({ label, type }) => [label, trialValues({ type, law: "normal" }, label)]),
    ));
    return { plan, y: await program.read("y") };
  } finally {
    program.destroy();
  }
}

for (const sizes of [[1, 1, 1], [13, 7, 67], [16, 12, 20], [64, 96, 96], [65, 5, 64]]) {
  Deno.test(`matmul() takes bias, activation, gate and residual as its tail, sizes ${sizes.join(" x ")}`, async () => {
    const want = await run(tailed(sizes), referenceBackend({ precision: "f64" }));
    // A bias is read four at a time or not at all, so an odd one stays in a launch of its own.
    assertEquals(want.plan.steps.length, sizes[2] % 4 === 0 || sizes[2] === 1 ? 1 : 2);
    for (const backend of backends) {
      const got = await run(tailed(sizes), backend);
      // Chains of at most 96 roundings.
      assert(relativeError(got.y, want.y) <= 5e-6);
    }
  });
}

Deno.test("matmul() leaves a tail apart that it lacks functions for, or whose product is read twice", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(8, 8));
  const product = matmul(x, graph.input("w", f32(8, 8)));
  graph.output("tanh", gelu(product));
  const other = matmul(x, graph.input("u", f32(8, 8)));
  graph.output("twice", multiply(relu(other), add(other, x)));
  const names = compilePlan(graph).steps.map(({ op }) => op.name);
  assertEquals(names.filter((name) => name === "matmul").length, 2, names.join(", "));
});
