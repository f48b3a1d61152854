/** Fusion moves reads to later launches; none may move past an update of the memory it reads. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32, sizeOf } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { adamw } from "../../../core/ops/adamw.ts";
import { add } from "../../../core/ops/add.ts";
import { assign } from "../../../core/ops/assign.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { recordMetric } from "../../../core/ops/record_metric.ts";
import { relu } from "../../../core/ops/relu.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { scale } from "../../../core/ops/scale.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { ALL_FUSION, NO_FUSION } from "../../../core/plan/fuse.ts";
import { overwritesOf } from "../../../core/plan/overwrites.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const X = [1, 2, 3, 4];

interface Traced {
  readonly graph: Graph;
  readonly x: Tensor;
  /** All 0.5 before the step. */
  readonly state: Tensor;
}

/** Values of y for x = 1, 2, 3, 4 with and without fusion, and the ops of the fused plan. */
async function run(trace: (traced: Traced) => Tensor) {
  const graph = new Graph();
  const x = graph.input("x", f32(4));
  const state = graph.state("state", { type: f32(4), initial: 0.5 });
  graph.output("y", trace({ graph, x, state }));
  const inputs = Object.fromEntries(graph.inputs.map(({ label, type }) => [
    label,
    Float32Array.from(label === "x" ? X : new Array(sizeOf(type.shape)).fill(1)),
  ]));
  const values: number[][] = [];
  const plans = [NO_FUSION, ALL_FUSION].map((fusion) => compilePlan(graph, { fusion }));
  for (const plan of plans) {
    const program = await backend.compile(plan);
    for (const arena of ["state", "param"] as const) {
      const size = plan.arenaBytes[arena] / 4;
      if (size > 0) program.write(arena, new Float32Array(size).fill(0.5));
    }
    await program.step(inputs);
    values.push([...await program.read("y")]);
    program.destroy();
  }
  assertEquals(values[1], values[0], "fusion changes values");
  return { values: values[0], ops: plans[1].steps.map(({ op }) => op.name) };
}

Deno.test("compilePlan() reads a state before its assignment, also where the reader's reader stands behind", async () => {
  const found = await run(({ x, state }) => {
    const doubled = scale(state, 2);
    assign(state, x);
    return add(doubled, x);
  });
  assertEquals(found.values, X.map((value) => 2 * 0.5 + value));
  assertEquals(found.ops, ["scale", "assign", "add"]);
});

Deno.test("compilePlan() reads a view of a state before its assignment", async () => {
  const found = await run(({ x, state }) => {
    const doubled = reshape(scale(reshape(state, [2, 2]), 2), [4]);
    assign(state, x);
    return add(doubled, x);
  });
  assertEquals(found.values, X.map((value) => 2 * 0.5 + value));
});

Deno.test("compilePlan() leaves a product where it reads a state, before the assignment", async () => {
  const found = await run(({ x, state }) => {
    const square = matmul(reshape(state, [2, 2]), reshape(x, [2, 2])); // columns of halves
    assign(state, scale(x, 10));
    return relu(reshape(square, [4]));
  });
  assertEquals(found.values, [0.5 * (1 + 3), 0.5 * (2 + 4), 0.5 * (1 + 3), 0.5 * (2 + 4)]);
  assertEquals(found.ops, ["matmul", "scale", "assign", "relu"]);
});

Deno.test("compilePlan() reads a parameter before the update of the arena it lies in", async () => {
  const found = await run(({ graph, x }) => {
    const type = f32(4);
    const initial = { kind: "constant", value: 0.5 } as const;
    const weight = graph.parameter("weight", { type, initial, decay: false });
    const doubled = scale(weight, 2);
    // One parameter of 4 numbers: an arena of 64, of which the gradient is 0 but for these.
    const arena = (name: "param" | "grad" | "m" | "v") => graph.arena(name, f32(64));
    const norm = graph.input("norm", f32(1));
    const schedule = graph.input("schedule", f32(3));
    const [parameters, gradient, m, v] = (["param", "grad", "m", "v"] as const).map(arena);
    adamw({ parameters, gradient, m, v, schedule, norm }, {
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 1e-8,
      weight_decay: 0.1,
      grad_clip: 1,
      decayed: 64,
    });
    return add(doubled, x);
  });
  assertEquals(found.values, X.map((value) => 2 * 0.5 + value));
  assertEquals(found.ops, ["scale", "adamw", "add"]);
});

Deno.test("compilePlan() fuses where what is read is not overwritten in between", async () => {
  const other = await run(({ graph, x, state }) => {
    const doubled = scale(x, 2);
    assign(graph.state("other", { type: f32(4), initial: 0 }), relu(state));
    return add(doubled, state);
  });
  assertEquals(other.values, X.map((value) => 2 * value + 0.5));
  assertEquals(other.ops, ["relu", "assign", "scale+add"]);
  const after = await run(({ x, state }) => add(scale(assign(state, x), 2), x));
  assertEquals(after.values, X.map((value) => 3 * value));
  assertEquals(
    after.ops,
    ["assign", "copy", "scale+add"].filter((op) => after.ops.includes(op)),
  );
});

Deno.test("overwritesOf() knows arenas, states and results that may lie among the gradients", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2));
  const weight = graph.parameter("weight", {
    type: f32(2),
    initial: { kind: "constant", value: 0 },
    decay: true,
  });
  const ring = graph.arena("metric", f32(2, 2));
  const result = relu(x);
  recordMetric({ ring, slot: graph.input("slot", i32(1)), values: result }, { column: 0 });
  assign(graph.arena("grad", f32(2)), x);
  relu(weight);
  const isOverwritten = overwritesOf(graph.nodes);
  const [first, , gradient, last] = graph.nodes;
  const between = (tensor: Tensor, from = first): boolean =>
    isOverwritten([tensor], { from, to: last });
  assert(between(ring) && between(graph.arena("metric", f32(4))));
  assert(between(graph.arena("grad", f32(2))) && between(result));
  assert(!between(x) && !between(weight));
  assert(!between(ring, gradient) && !between(result, gradient));
});
