import { assertEquals, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { HarnessError, ShapeError } from "../../../core/errors.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph, type InitialLaw } from "../../../core/graph/tensor.ts";
import { apply } from "../../../core/graph/trace.ts";
import { embedding } from "../../../core/ops/embedding.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { recordMetric } from "../../../core/ops/record_metric.ts";
import { op as reshapeOp } from "../../../core/ops/reshape.ts";
import { scale } from "../../../core/ops/scale.ts";
import { sum } from "../../../core/ops/sum.ts";
import type { Backend } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { NO_FUSION } from "../../../core/plan/fuse.ts";
import { referenceBackend, type ReferencePrecision } from "../../../core/reference/interpreter.ts";

const INITIAL: InitialLaw = { kind: "constant", value: 0 };

Deno.test("referenceBackend() in f32 rounds every store and computes in f64 between stores", async () => {
  const outputs = async (precision: ReferencePrecision) => {
    const graph = new Graph();
    const x = graph.input("x", f32(1, 3));
    const third = scale(x, 1 / 3);
    graph.output("third", third);
    graph.output("product", multiply(third, third));
    graph.output("sum", sum(graph.input("terms", f32(1, 3)), { axis: 1 }));
    const plan = compilePlan(graph, { fusion: NO_FUSION });
    const program = await referenceBackend({ precision }).compile(plan);
    program.step({
      x: Float32Array.of(1, 1e-8, 7),
      terms: Float32Array.of(1, 2 ** -24, 2 ** -24),
    });
    return await Promise.all(["third", "product", "sum"].map((label) => program.read(label)));
  };
  const [third, product, total] = await outputs("f32");
  const factor = Math.fround(1 / 3);
  const inputs = [1, Math.fround(1e-8), 7];
  const stored = inputs.map((value) => Math.fround(factor * value));
  assertEquals([...third], stored);
  assertEquals([...product], stored.map((value) => Math.fround(value * value)));
  // Added up in f32, both small terms would be lost one by one.
  assertEquals([...total], [1 + 2 ** -23]);
  const [exact, exactProduct] = await outputs("f64");
  assertEquals([...exact], inputs.map((value) => factor * value));
  assertEquals([...exactProduct], inputs.map((value) => (factor * value) ** 2));
  assertNotEquals(exact, third);
});

Deno.test("referenceBackend() in f32 leaves integers alone", async () => {
  const graph = new Graph();
  const ids = graph.input("ids", i32(1));
  graph.output("ids", ids);
  graph.output("row", embedding(graph.input("table", f32(3, 2)), ids));
  const program = await referenceBackend({ precision: "f32" }).compile(compilePlan(graph));
  program.step({ ids: Int32Array.of(2), table: Float32Array.of(1, 2, 3, 4, 5, 6) });
  assertEquals([[...await program.read("ids")], [...await program.read("row")]], [[2], [5, 6]]);
  const large = new Graph();
  const i = large.input("i", i32(1));
  const { view: _, ...copy } = reshapeOp; // an op that stores integers
  large.output("copy", apply(copy, [i], { shape: "1" }));
  const one = await referenceBackend({ precision: "f32" }).compile(compilePlan(large));
  one.step({ i: Int32Array.of(16777217) }); // 2^24 + 1 is no f32
  assertEquals([...await one.read("copy")], [16777217]);
});

/** A program y = x w with the parameter w (2, 2). */
async function linearOn(backend: Backend, from?: Awaited<ReturnType<Backend["compile"]>>) {
  const graph = new Graph();
  const w = graph.parameter("w", { type: f32(2, 2), initial: INITIAL, decay: true });
  graph.output("y", matmul(graph.input("x", f32(1, 2)), w));
  return await backend.compile(compilePlan(graph), from ? { parametersOf: from } : {});
}

Deno.test("referenceBackend() shares parameters between programs, and only within one kind of backend", async () => {
  const backend = referenceBackend({ precision: "f64" });
  const owner = await linearOn(backend);
  const borrower = await linearOn(backend, owner);
  const apart = await linearOn(backend);
  const y = async (program: typeof owner): Promise<readonly number[]> => {
    program.step({ x: Float32Array.of(1, 10) });
    return [...await program.read("y")];
  };
  owner.write("param", Float32Array.of(1, 2, 3, 4));
  assertEquals(await y(borrower), [31, 42]);
  borrower.write("param", Float32Array.of(5, 6));
  assertEquals(await y(owner), [35, 46]);
  assertEquals(await y(apart), [0, 0]);
  const foreign = { ...owner, plan: owner.plan } as typeof owner;
  await assertRejects(
    async () => await linearOn(backend, foreign),
    HarnessError,
    "of another backend",
  );
});

Deno.test("referenceBackend() keeps what a step updates and names outputs and inputs it does not have", async () => {
  const graph = new Graph();
  const ring = graph.arena("metric", f32(2, 1));
  const x = graph.input("x", f32(1));
  recordMetric({ ring, slot: graph.input("slot", i32(1)), values: x }, { column: 0 });
  graph.output("x", x);
  const program = await referenceBackend({ precision: "f64" }).compile(compilePlan(graph));
  for (const [slot, value] of [[0, 5], [1, 7], [2, 9]]) {
    program.step({ slot: Int32Array.of(slot), x: Float32Array.of(value) });
  }
  const [metric, param] = await program.readArenas(["metric", "param"]);
  assertEquals([...metric.subarray(0, 2)], [9, 7]);
  assertEquals(param.length, 0);
  assertThrows(() => program.step({ x: Float32Array.of(1) }), ShapeError, '"slot" is missing');
  const read = program.read("z"); // rejects, as on a device; it does not throw here
  await assertRejects(() => read, HarnessError, 'Cannot read "z": the plan has no such output');
  // What is read is a copy, not the memory of the next step.
  const before = await program.read("x");
  program.step({ slot: Int32Array.of(0), x: Float32Array.of(-1) });
  assertEquals([...before], [9]);
});

Deno.test("referenceBackend() says what it is", () => {
  const { facts } = referenceBackend({ precision: "f32" });
  assertEquals(facts, { name: "reference", preset: "f32", adapter: null, selfTest: {} });
});
