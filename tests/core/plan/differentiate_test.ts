import { assert, assertEquals, assertThrows } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import type { Op } from "../../../core/graph/op.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { apply } from "../../../core/graph/trace.ts";
import { add } from "../../../core/ops/add.ts";
import { embedding } from "../../../core/ops/embedding.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { relu } from "../../../core/ops/relu.ts";
import { scale } from "../../../core/ops/scale.ts";
import { sum } from "../../../core/ops/sum.ts";
import type { StepInput } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";

/** Values of the named tensors for one step, in f64. */
async function valuesOf(graph: Graph, at: {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly inputs: StepInput;
}): Promise<Readonly<Record<string, readonly number[]>>> {
  Object.entries(at.tensors).forEach(([label, tensor]) => graph.output(label, tensor));
  const program = await referenceBackend({ precision: "f64" }).compile(compilePlan(graph));
  program.step(at.inputs);
  const found: Record<string, readonly number[]> = {};
  for (const label of Object.keys(at.tensors)) found[label] = [...await program.read(label)];
  return found;
}

Deno.test("gradientsOf() adds up what flows into a tensor that is used several times", async () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2));
  const w = graph.input("w", f32(2));
  // y = x·x + 3x + x: y' = 2x + 4, also where both operands of one op are x.
  const y = add(add(multiply(x, x), scale(x, 3)), x);
  const [dx, dw] = gradientsOf([{ tensor: y, cotangent: w }], [x, w]);
  const inputs = { x: Float32Array.of(5, -7), w: Float32Array.of(1, 10) };
  const found = await valuesOf(graph, { tensors: { dx, dw }, inputs });
  assertEquals(found.dx, [14, -100]);
  assertEquals(found.dw, [0, 0]);
});

Deno.test("gradientsOf() adds up seeds, also two of one tensor and one that is wanted itself", async () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2));
  const w = graph.input("w", f32(2));
  const y = multiply(x, x);
  const seeds = [y, y, x].map((tensor) => ({ tensor, cotangent: w }));
  const [dx] = gradientsOf(seeds, [x]);
  const inputs = { x: Float32Array.of(5, -7), w: Float32Array.of(1, 10) };
  assertEquals((await valuesOf(graph, { tensors: { dx }, inputs })).dx, [21, -270]);
});

Deno.test("gradientsOf() gives zeros of the right shape for what the seeds do not depend on", async () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2));
  const unused = graph.input("unused", f32(3, 2));
  multiply(unused, unused);
  const [, zero] = gradientsOf([{ tensor: relu(x), cotangent: x }], [x, unused]);
  assertEquals(zero.type, f32(3, 2));
  const inputs = { x: new Float32Array(2), unused: new Float32Array(6).fill(4) };
  assertEquals((await valuesOf(graph, { tensors: { zero }, inputs })).zero, [0, 0, 0, 0, 0, 0]);
});

Deno.test("gradientsOf() sums a broadcast operand's gradient down to its own shape", async () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2, 3));
  const row = graph.input("row", f32(3));
  const column = graph.input("column", f32(2, 1));
  const scalar = graph.input("scalar", f32());
  const y = multiply(multiply(multiply(x, row), column), scalar);
  const one = graph.input("one", f32(2, 3));
  const wanted = gradientsOf([{ tensor: y, cotangent: one }], [row, column, scalar]);
  assertEquals(wanted.map((tensor) => tensor.type.shape), [[3], [2, 1], []]);
  const inputs = {
    x: Float32Array.of(1, 2, 3, 4, 5, 6),
    row: Float32Array.of(1, 10, 100),
    column: Float32Array.of(2, 3),
    scalar: Float32Array.of(5),
    one: new Float32Array(6).fill(1),
  };
  const [dRow, dColumn, dScalar] = wanted;
  const found = await valuesOf(graph, { tensors: { dRow, dColumn, dScalar }, inputs });
  assertEquals(found.dRow, [5 * (2 * 1 + 3 * 4), 5 * (2 * 2 + 3 * 5), 5 * (2 * 3 + 3 * 6)]);
  assertEquals(found.dColumn, [5 * (1 + 20 + 300), 5 * (4 + 50 + 600)]);
  assertEquals(found.dScalar, [2 * (1 + 20 + 300) + 3 * (4 + 50 + 600)]);
});

Deno.test("gradientsOf() traces no gradient of what is not wanted", () => {
  const graph = new Graph();
  const [x, w] = [graph.input("x", f32(4, 3)), graph.input("w", f32(3, 5))];
  const ids = graph.input("ids", i32(2, 2));
  const y = matmul(x, w);
  const cotangent = graph.input("dy", f32(4, 5));
  const before = graph.nodes.length;
  gradientsOf([{ tensor: y, cotangent }], [w]);
  const traced = graph.nodes.slice(before).map((node) => node.op.name);
  assertEquals(traced, ["matmul"]); // dw = xᵀ dy alone, not dx
  // Integers have no gradient and stop the walk.
  const table = graph.input("table", f32(7, 3));
  const embedded = embedding(table, ids);
  const [dTable] = gradientsOf([{ tensor: embedded, cotangent: embedded }], [table]);
  assertEquals(dTable.type.shape, [7, 3]);
});

Deno.test("gradientsOf() names the place and the op that has no gradient", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2));
  const floor: Op = { ...(relu(x).source as { node: { op: Op } }).node.op, name: "floor" };
  const { vjp: _, ...flat } = floor;
  const y = graph.scope("block3", () => apply(flat as Op, [x], {}));
  assertThrows(
    () => gradientsOf([{ tensor: y, cotangent: x }], [x]),
    HarnessError,
    'Cannot differentiate through "block3/floor": "floor" has no gradient',
  );
  // Where nothing wanted lies behind it, the op may lack one.
  assertEquals(gradientsOf([{ tensor: y, cotangent: x }], [y])[0] === x, true);
});

Deno.test("gradientsOf() computes segments again on request: same values, values of the first pass die early", async () => {
  const build = (recompute: boolean) => {
    const graph = new Graph();
    const x = graph.input("x", f32(64, 64));
    const w = graph.input("w", f32(64, 64));
    let y = x;
    for (let layer = 0; layer < 4; layer++) {
      y = graph.segment(`block${layer}`, () => multiply(relu(matmul(relu(matmul(y, w)), w)), x));
    }
    const loss = sum(sum(y, { axis: 0 }), { axis: 1 });
    const [dx, dw] = gradientsOf([{ tensor: loss, cotangent: loss }], [x, w], { recompute });
    return { graph, tensors: { dx, dw } };
  };
  const inputs = {
    x: Float32Array.from({ length: 4096 }, (_, i) => Math.sin(i)),
    w: Float32Array.from({ length: 4096 }, (_, i) => Math.cos(1.3 * i) / 8),
  };
  const [once, again] = [build(false), build(true)];
  const want = await valuesOf(once.graph, { tensors: once.tensors, inputs });
  assertEquals(await valuesOf(again.graph, { tensors: again.tensors, inputs }), want);
  const bytes = (graph: Graph): number => compilePlan(graph).arenaBytes.activation;
  assert(bytes(again.graph) < bytes(once.graph));
});
