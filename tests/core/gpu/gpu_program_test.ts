/** Programs on the adapter at their limits: large grids, memory, values that are not finite, a lost device. */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { DeviceError, DeviceLostError, HarnessError, ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { openDevice } from "../../../core/gpu/device.ts";
import { readBuffers } from "../../../core/gpu/read_buffers.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { divide } from "../../../core/ops/divide.ts";
import { fill } from "../../../core/ops/fill.ts";
import { gradientNorm } from "../../../core/ops/gradient_norm.ts";
import { relu } from "../../../core/ops/relu.ts";
import { scale } from "../../../core/ops/scale.ts";
import { softmax } from "../../../core/ops/softmax.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

Deno.test("GpuProgram folds more than 65535 workgroups into two dimensions, 4194433 elements", async () => {
  const size = 64 * 65535 + 64 * 3 + 1; // odd, so that a lane handles one element
  const graph = new Graph();
  graph.output("y", scale(graph.input("x", f32(size)), -2));
  graph.output("ones", fill(graph, { shape: [size], value: 7 }));
  const plan = compilePlan(graph);
  const program = await backend.compile(plan);
  try {
    const valueAt = (i: number): number => (i % 1021) - 510 + Math.floor(i / 65536) / 64;
    program.step({ x: Float32Array.from({ length: size }, (_, i) => valueAt(i)) });
    const y = await program.read("y");
    assertEquals(y.findIndex((value, i) => value !== -2 * valueAt(i)), -1);
    const ones = await program.read("ones");
    assertEquals(ones.length, size);
    assertEquals(ones.findIndex((value) => value !== 7), -1);
  } finally {
    program.destroy();
  }
});

Deno.test("GpuProgram flags NaN and infinities that appear at run time, as the reference does", async () => {
  const size = 3 * 4096 + 5; // four chunks
  for (const on of [backend, referenceBackend({ precision: "f64" })]) {
    const graph = new Graph();
    const quotient = divide(graph.input("a", f32(size)), graph.input("b", f32(size)));
    const { norm, nonFinite } = gradientNorm(quotient);
    graph.output("norm", norm);
    graph.output("non_finite", nonFinite);
    const program = await on.compile(compilePlan(graph));
    const run = async (zeros: Readonly<Record<number, number>>): Promise<readonly number[]> => {
      const [a, b] = [new Float32Array(size).fill(2), new Float32Array(size).fill(2)];
      for (const [i, value] of Object.entries(zeros)) [a[Number(i)], b[Number(i)]] = [value, 0];
      program.step({ a, b });
      const [[length], [bad]] = [await program.read("norm"), await program.read("non_finite")];
      return [length, bad];
    };
    const [finite, none] = await run({});
    assert(Math.abs(finite - Math.sqrt(size)) < 1e-4 * finite);
    assertEquals(none, 0);
    assertEquals(await run({ 5000: 0 }), [NaN, 1]); // 0 / 0
    assertEquals(await run({ 0: 1 }), [Infinity, 1]); // 1 / 0
    assertEquals(await run({ 0: 1, 4095: 1, 4096: -1, [size - 1]: 0 }), [NaN, 3]);
    assertEquals((await run({}))[1], 0); // the flag does not stick
    program.destroy();
  }
});

Deno.test("webGpuBackend() names the arena, its bytes and the limit of a plan that is too large", async () => {
  const graph = new Graph();
  graph.output("y", relu(softmax(fill(graph, { shape: [2 ** 20, 2 ** 20], value: 1 }))));
  const plan = compilePlan(graph);
  const error = await assertRejects(() => backend.compile(plan), DeviceError);
  assertStringIncludes(error.message, 'arena "activation"');
  assertStringIncludes(error.message, String(plan.arenaBytes.activation));
  assertStringIncludes(error.message, String(backend.facts.adapter?.limits.maxBufferSize));
  // The refusal leaves nothing behind: a plan that fits still runs.
  const small = new Graph();
  small.output("y", relu(small.input("x", f32(3))));
  const program = await backend.compile(compilePlan(small));
  program.step({ x: Float32Array.of(-1, 0, 2) });
  assertEquals([...await program.read("y")], [0, 0, 2]);
  program.destroy();
});

Deno.test("webGpuBackend() refuses a launch that would bind one range twice, with both labels", async () => {
  const graph = new Graph();
  const x = graph.scope("block0", () => softmax(graph.input("x", f32(8, 8))));
  graph.output("y", graph.scope("block1", () => softmax(x)));
  const plan = compilePlan(graph);
  // A planner that gave the second result the memory of the first, which is still read.
  const offset = plan.tensors[plan.steps[1].reads[0]].byteOffset;
  const tensors = plan.tensors.map((t) =>
    t.arena === "activation" ? { ...t, byteOffset: offset } : t
  );
  await assertRejects(
    async () => await backend.compile({ ...plan, tensors }),
    HarnessError,
    'Cannot launch "block1/softmax": tensors "block0/softmax" and "block1/softmax" share memory',
  );
});

Deno.test("GpuProgram.step() refuses inputs as placeInputs() does, and runs on afterwards", async () => {
  const graph = new Graph();
  graph.output("y", relu(graph.input("x", f32(2))));
  graph.output("i", graph.input("i", i32(1)));
  const program = await backend.compile(compilePlan(graph));
  const i = Int32Array.of(-7);
  assertThrows(() => program.step({ x: new Float32Array(3), i }), ShapeError, "expects 2 f32");
  program.step({ x: Float32Array.of(-1, 4), i });
  assertEquals([[...await program.read("y")], [...await program.read("i")]], [[0, 4], [-7]]);
  await assertRejects(() => program.read("z"), HarnessError, 'Cannot read "z"');
  program.destroy();
});

Deno.test("readBuffers() copies several ranges of several buffers in one batch, empty ones among them", async () => {
  const open = await openDevice();
  try {
    const { device } = open;
    const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const [a, b] = [100, 200].map((first) => {
      const buffer = device.createBuffer({ size: 64, usage });
      device.queue.writeBuffer(buffer, 0, Int32Array.from({ length: 16 }, (_, i) => first + i));
      return buffer;
    });
    const found = await readBuffers(open, [
      { buffer: b, byteOffset: 60, byteLength: 4 },
      { buffer: a, byteOffset: 0, byteLength: 0 },
      { buffer: a, byteOffset: 8, byteLength: 12 },
      { buffer: b, byteOffset: 0, byteLength: 8 },
    ]);
    const numbers = found.map((bytes) => [...new Int32Array(bytes)]);
    assertEquals(numbers, [[215], [], [102, 103, 104], [200, 201]]);
    assertEquals(
      (await readBuffers(open, [{ buffer: a, byteOffset: 0, byteLength: 0 }]))[0].byteLength,
      0,
    );
    assertEquals(await readBuffers(open, []), []);
  } finally {
    open.destroy();
  }
});

Deno.test("openDevice() notices a device that was lost behind its back", async () => {
  const open = await openDevice();
  open.assertAlive();
  open.device.destroy();
  await open.device.lost;
  const error = assertThrows(() => open.assertAlive(), DeviceLostError);
  assertStringIncludes(error.message, open.facts.description);
  assertEquals(error.exitCode, 3);
});

Deno.test("GpuProgram.destroy() gives its memory back, 200 programs of 4 MiB", async () => {
  const graph = new Graph();
  graph.output("y", fill(graph, { shape: [1024, 1024], value: 1 }));
  graph.output("last", fill(graph, { shape: [1], value: 7 }));
  const plan = compilePlan(graph);
  const cycle = async (): Promise<void> => {
    const program = await backend.compile(plan);
    program.step({});
    assertEquals([...await program.read("last")], [7]);
    program.destroy();
  };
  const mebibytes = (): number => Deno.memoryUsage().rss / 2 ** 20;
  for (let k = 0; k < 20; k++) await cycle(); // pipelines and pools are made once
  const before = mebibytes();
  for (let k = 0; k < 200; k++) await cycle();
  const growth = mebibytes() - before;
  console.log(`memory grew by ${growth.toFixed(1)} MiB over 200 programs of 4 MiB`);
  // Leaking the programs would take 800 MiB; what the host holds until it collects garbage is below 100.
  assert(growth < 200, `memory grew by ${growth} MiB`);
});
