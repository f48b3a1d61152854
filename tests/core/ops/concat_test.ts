import { assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { concat, op } from "../../../core/ops/concat.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { runOp } from "./_run_op.ts";

const backends = [await webGpuBackend(), referenceBackend({ precision: "f64" })];
globalThis.addEventListener("unload", () => backends.forEach((backend) => backend.destroy()));

const counted = (count: number, from: number) => Array.from({ length: count }, (_, i) => from + i);

Deno.test("concat() joins as torch.cat does along every axis", async () => {
  // torch 1.13: torch.cat([torch.arange(12.).reshape(2, 3, 2), 100 + torch.arange(n).reshape(shape)], axis)
  const a = { type: f32(2, 3, 2), values: counted(12, 0) };
  const cases = [
    { shape: [1, 3, 2], axis: 0, want: [...counted(12, 0), ...counted(6, 100)] },
    {
      shape: [2, 1, 2],
      axis: 1,
      want: [0, 1, 2, 3, 4, 5, 100, 101, 6, 7, 8, 9, 10, 11, 102, 103],
    },
    {
      shape: [2, 3, 1],
      axis: 2,
      want: [0, 1, 100, 2, 3, 101, 4, 5, 102, 6, 7, 103, 8, 9, 104, 10, 11, 105],
    },
  ];
  for (const { shape, axis, want } of cases) {
    const size = shape.reduce((product, n) => product * n, 1);
    const b = { type: f32(...shape), values: counted(size, 100) };
    for (const backend of backends) {
      assertEquals(await runOp(backend, op, { inputs: [a, b], attributes: { axis } }), [want]);
    }
  }
});

Deno.test("concat() of a tensor with itself adds up both gradients, as torch does", async () => {
  // torch 1.13: x = torch.zeros(2, 2, requires_grad=True)
  // torch.autograd.grad((torch.arange(8.).reshape(2, 4) * torch.cat([x, x], 1)).sum(), x) -> [[2, 4], [10, 12]]
  for (const backend of backends) {
    const graph = new Graph();
    const x = graph.input("x", f32(2, 2));
    const tensor = concat([x, x], { axis: 1 });
    const cotangent = graph.input("dy", tensor.type);
    graph.output("y", tensor);
    graph.output("dx", gradientsOf([{ tensor, cotangent }], [x])[0]);
    const program = await backend.compile(compilePlan(graph));
    try {
      program.step({ x: Float32Array.of(1, 2, 3, 4), dy: Float32Array.from(counted(8, 0)) });
      assertEquals(Array.from(await program.read("y")), [1, 2, 1, 2, 3, 4, 3, 4]);
      assertEquals(Array.from(await program.read("dx")), [2, 4, 10, 12]);
    } finally {
      program.destroy();
    }
  }
});

Deno.test("concat() joins any number of tensors, and gives each its part of the gradient", async () => {
  // torch 1.13: x = [torch.full((2, n), float(n), requires_grad=True) for n in (1, 3, 2)]; y = torch.cat(x, 1)
  // y -> [[1, 3, 3, 3, 2, 2], [1, 3, 3, 3, 2, 2]]
  // torch.autograd.grad((torch.arange(12.).reshape(2, 6) * y).sum(), x) -> those of the columns 0, 1..3 and 4..5
  for (const backend of backends) {
    const graph = new Graph();
    const parts = [1, 3, 2].map((n) => graph.input(`x${n}`, f32(2, n)));
    const [a, b, c] = parts;
    const tensor = concat([a, b, c], { axis: 1 });
    const cotangent = graph.input("dy", tensor.type);
    graph.output("y", tensor);
    gradientsOf([{ tensor, cotangent }], parts).forEach((dx, k) => graph.output(`dx${k}`, dx));
    const program = await backend.compile(compilePlan(graph));
    try {
      const filled = (n: number) => new Float32Array(2 * n).fill(n);
      const dy = Float32Array.from(counted(12, 0));
      program.step({ x1: filled(1), x3: filled(3), x2: filled(2), dy });
      assertEquals(Array.from(await program.read("y")), [1, 3, 3, 3, 2, 2, 1, 3, 3, 3, 2, 2]);
      const wants = [[0, 6], [1, 2, 3, 7, 8, 9], [4, 5, 10, 11]];
      for (const [k, want] of wants.entries()) {
        assertEquals(Array.from(await program.read(`dx${k}`)), want);
      }
    } finally {
      program.destroy();
    }
  }
});

Deno.test("concat() refuses fewer than two tensors", () => {
  const graph = new Graph();
  const a = graph.input("a", f32(2, 3));
  for (const tensors of [[], [a]]) {
    assertThrows(
      () => concat(tensors as unknown as [Tensor, Tensor], { axis: 1 }),
      ShapeError,
      `Cannot join ${tensors.length} tensors: expected two or more`,
    );
  }
});

Deno.test("concat() refuses other sizes, other ranks, axes that are not there and integers", () => {
  const graph = new Graph();
  const a = graph.input("a", f32(2, 3));
  const others = [f32(3, 3), f32(2, 3, 1), i32(2, 3)].map((type, k) => graph.input(`b${k}`, type));
  for (const b of others) {
    assertThrows(() => concat([a, b], { axis: 1 }), ShapeError, "Cannot join");
  }
  for (const axis of [-1, 2, 0.5]) {
    assertThrows(() => concat([a, a], { axis }), ShapeError, `axis ${axis}`);
  }
});
