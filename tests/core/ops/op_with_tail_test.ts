/**
 * Products and reductions with tails against the f64 definition and against the same launches apart, at sizes
 * of every kernel, with every kind of operand.
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { argument } from "../../../core/graph/expression.ts";
import type { Op, Preset } from "../../../core/graph/op.ts";
import { f32, type Shape, sizeOf } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { applyAll } from "../../../core/graph/trace.ts";
import { add } from "../../../core/ops/add.ts";
import { batchedMatmul } from "../../../core/ops/batched_matmul.ts";
import { gelu } from "../../../core/ops/gelu.ts";
import { layerNormalise } from "../../../core/ops/layer_norm.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { opWithTail } from "../../../core/ops/op_with_tail.ts";
import { relu } from "../../../core/ops/relu.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { op as rmsNormOp, rmsNormalise } from "../../../core/ops/rms_norm.ts";
import { scale } from "../../../core/ops/scale.ts";
import { softmax } from "../../../core/ops/softmax.ts";
import { sum } from "../../../core/ops/sum.ts";
import { op as swapAxesOp } from "../../../core/ops/swap_axes.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { ALL_FUSION, type FusionSet } from "../../../core/plan/fuse.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { relativeError, trialValues } from "../_trials.ts";

const oracle = referenceBackend({ precision: "f64" });
const backends = await Promise.all(
  (["software-adapter", "gpu"] as const satisfies readonly Preset[]).map((preset) =>
    webGpuBackend({ preset })
  ),
);
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

async function run(graph: Graph, backend: Backend, fusion: FusionSet = ALL_FUSION) {
  const plan = compilePlan(graph, { fusion });
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

/** relu(value row + residual) column gate, with the residual under another shape. */
function tailed(value: Tensor): void {
  const { graph, type: { shape } } = value;
  const given = (name: string, ...of: number[]): Tensor => graph.input(name, f32(...of));
  const columns = shape[shape.length - 1];
  const residual = reshape(given("residual", sizeOf(shape)), shape);
  const active = relu(add(multiply(value, given("row", columns)), residual));
  const column = given("column", ...shape.slice(0, -1), 1);
  graph.output("y", multiply(multiply(active, column), given("gate", 1)));
}

/** The tail taken in gives the values of the definition, and of a launch of its own. */
async function assertAgrees(build: () => Graph, at: {
  /** Launches with the tail taken in, or left out where the kernels cannot read its operands. */
  readonly launches: number;
  readonly tolerance: number;
}): Promise<void> {
  const want = await run(build(), oracle);
  assertEquals(want.plan.steps.length, at.launches);
  for (const backend of backends) {
    const on = await run(build(), backend);
    assert(relativeError(on.y, want.y) <= at.tolerance);
    const off = await run(build(), backend, { ...ALL_FUSION, tails: false });
    assertEquals(off.plan.steps.length, 2);
    // The same arithmetic in the same order; a compiler that contracts rounds a product once less.
    if (backend.facts.selfTest.contracts === false) assertEquals(on.y, off.y);
    else assert(relativeError(on.y, off.y) <= at.tolerance);
  }
}

for (const sizes of [[1, 1, 1], [13, 7, 67], [16, 12, 20], [64, 96, 96], [65, 5, 64]]) {
  const [rows, inner, columns] = sizes;
  // Four columns are read at a time or not at all, so an odd row stays in a launch of its own.
  const launches = columns % 4 === 0 || columns === 1 ? 1 : 2;
  Deno.test(`matmul() takes row, residual, column and gate as its tail, sizes ${sizes.join(" x ")}`, async () => {
    await assertAgrees(() => {
      const graph = new Graph();
      const x = graph.input("x", f32(rows, inner));
      tailed(matmul(x, graph.input("w", f32(inner, columns))));
      return graph;
    }, { launches, tolerance: 5e-6 }); // chains of at most 96 roundings
  });
}

Deno.test("batchedMatmul() takes row, residual, column and gate as its tail, sizes 3 x 16 x 12 x 20", async () => {
  await assertAgrees(() => {
    const graph = new Graph();
    const x = graph.input("x", f32(3, 16, 12));
    tailed(batchedMatmul(x, graph.input("w", f32(3, 12, 20))));
    return graph;
  }, { launches: 1, tolerance: 5e-6 });
});

interface Reduction {
  readonly name: string;
  readonly reduce: (x: Tensor) => Tensor;
  readonly shapes: readonly Shape[];
  readonly tolerance: number;
}

/** Rows around a workgroup of 64 and a run of 32, sums in one stage and in two. */
const ROWS: readonly Shape[] = [[1, 1], [13, 67], [65, 32], [63, 33], [3, 1024]];
const REDUCTIONS: readonly Reduction[] = [
  {
    name: "rmsNormalise",
    reduce: (x) => rmsNormalise(x, { epsilon: 1e-5 }),
    shapes: ROWS,
    tolerance: 4e-6, // that of the op, and four roundings
  },
  {
    name: "layerNormalise",
    reduce: (x) => layerNormalise(x, { epsilon: 1e-5 }),
    shapes: ROWS,
    tolerance: 4e-6,
  },
  { name: "softmax", reduce: softmax, shapes: [...ROWS, [2, 5, 33]], tolerance: 8e-6 },
  {
    name: "sum over the last axis",
    reduce: (x) => sum(x, { axis: x.type.shape.length - 1 }),
    shapes: [[1, 1], [31, 67], [3, 2049]],
    tolerance: 1e-5, // sums that nearly cancel
  },
  {
    name: "sum over the first axis",
    reduce: (x) => sum(x, { axis: 0 }),
    shapes: [[513, 5], [31, 64], [3, 2, 7]],
    tolerance: 1e-5,
  },
  {
    name: "sum of all",
    reduce: (x) => sum(reshape(x, [sizeOf(x.type.shape)]), { axis: 0 }),
    shapes: [[7, 9], [65, 67]],
    tolerance: 1e-5,
  },
];

for (const { name, reduce, shapes, tolerance } of REDUCTIONS) {
  Deno.test(`${name} takes row, residual, column and gate as its tail, at every kernel's sizes`, async () => {
    for (const shape of shapes) {
      await assertAgrees(() => {
        const graph = new Graph();
        tailed(reduce(graph.input("x", f32(...shape))));
        return graph;
      }, { launches: 1, tolerance });
    }
  });
}

Deno.test("sum() with a factor behind it is the mean, in one launch without an operand for the factor", async () => {
  const graph = new Graph();
  const mean = scale(sum(graph.input("x", f32(4, 600)), { axis: 1 }), 1 / 600);
  graph.output("y", mean);
  const { plan } = await run(graph, oracle);
  assertEquals(plan.steps.map(({ op, reads }) => [op.name, reads.length]), [["sum+scale", 1]]);
});

function namesOf(graph: Graph): readonly string[] {
  return compilePlan(graph).steps.map(({ op }) => op.name);
}

Deno.test("matmul() leaves a tail apart that it lacks functions for, or whose product is read twice", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(8, 8));
  const product = matmul(x, graph.input("w", f32(8, 8)));
  graph.output("tanh", gelu(product));
  const other = matmul(x, graph.input("u", f32(8, 8)));
  graph.output("twice", multiply(relu(other), add(other, x)));
  const names = namesOf(graph);
  assertEquals(names.filter((name) => name === "matmul").length, 2, names.join(", "));
});

Deno.test("rmsNormalise() keeps its tail apart where something else reads the rows or their factors", async () => {
  const graph = new Graph();
  const x = graph.input("x", f32(5, 12));
  const [xhat, inverse] = applyAll(rmsNormOp, [x], { epsilon: Math.fround(1e-5) });
  graph.output("y", relu(xhat));
  assertEquals(namesOf(graph), ["rms_norm+relu"]);
  graph.output("inverse", inverse);
  assertEquals(namesOf(graph), ["rms_norm", "relu"]);
  const trained = new Graph();
  const rows = trained.input("x", f32(5, 12));
  const y = multiply(rmsNormalise(rows, { epsilon: 1e-5 }), trained.input("gain", f32(12)));
  const [dx] = gradientsOf([{ tensor: y, cotangent: trained.input("dy", f32(5, 12)) }], [rows]);
  trained.output("y", y);
  trained.output("dx", dx);
  assert(namesOf(trained).includes("rms_norm"));
  assert((await run(trained, oracle)).y.every(Number.isFinite));
});

Deno.test("softmax() and layerNormalise() keep a tail apart that binds too much, or that they lack functions for", () => {
  for (const [count, taken] of [[5, true], [6, false]] as const) {
    const graph = new Graph();
    const x = graph.input("x", f32(8, 8));
    const terms = Array.from({ length: count }, (_, k) => graph.input(`t${k}`, f32(8, 8)));
    graph.output("y", terms.reduce(add, layerNormalise(x, { epsilon: 1e-5 })));
    assertEquals(namesOf(graph).length, taken ? 1 : 2, `${count} operands`);
  }
  const graph = new Graph();
  graph.output("y", gelu(softmax(graph.input("x", f32(8, 8)))));
  assertEquals(namesOf(graph)[0], "softmax");
});

Deno.test("opWithTail() refuses an op whose shader has no place for a tail", () => {
  const site = { inputs: [f32(2, 3, 4)], outputs: [f32(3, 2, 4)], attributes: { axis: 0 } };
  const tail = { name: "same", expression: argument(0), indexings: [], output: f32(3, 2, 4) };
  const op = opWithTail(swapAxesOp as unknown as Op, tail)!;
  assertThrows(() => op.lower.webgpu(site, "gpu"), HarnessError, '"swap_axes"');
});
