/** States: a value that one step leaves to the next, old until the step ends. */
import { assertEquals, assertThrows } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { initialStates } from "../../../core/train/initial_parameters.ts";

const gpu = await webGpuBackend();
globalThis.addEventListener("unload", () => gpu.destroy());
const backends = [gpu, referenceBackend({ precision: "f64" })];

/** Two states, s' = s + x and t' = s x, and d(s x)/dx = s, read behind both carries. */
function planOfTwo() {
  const graph = new Graph();
  const x = graph.input("x", f32(3));
  const s = graph.state("s", { type: f32(3), initial: 2 });
  const t = graph.state("t", { type: f32(3), initial: -1 });
  graph.carry(s, add(s, x));
  graph.carry(t, multiply(s, x));
  graph.output("t", add(t, x));
  const [gradient] = gradientsOf([{ tensor: multiply(s, x), cotangent: x }], [x]);
  graph.output("gradient", gradient);
  return compilePlan(graph);
}

Deno.test("carry() leaves the new value to the next step and the old one to all readers of this step", async () => {
  for (const backend of backends) {
    const plan = planOfTwo();
    const program = await backend.compile(plan);
    program.write("state", initialStates(plan));
    const x = Float32Array.of(1, 10, -0.5);
    // s: 2, 2 + x, 2 + 2 x, …; t: -1, 2 x, (2 + x) x, …
    for (let step = 0; step < 4; step++) {
      program.step({ x });
      const s = Array.from(x, (value) => 2 + step * value);
      const t = Array.from(x, (value) => step === 0 ? -1 : (2 + (step - 1) * value) * value);
      assertEquals([...await program.read("t")], t.map((value, i) => value + x[i]));
      assertEquals([...await program.read("gradient")], s.map((value, i) => value * x[i]));
    }
    program.destroy();
  }
});

Deno.test("compile() with parametersOf goes on from the owner's states", async () => {
  for (const backend of backends) {
    const [plan, second] = [planOfTwo(), planOfTwo()];
    const owner = await backend.compile(plan);
    owner.write("state", initialStates(plan));
    const borrower = await backend.compile(second, { parametersOf: owner });
    const x = Float32Array.of(1, 2, 3);
    owner.step({ x });
    borrower.step({ x });
    assertEquals([...await borrower.read("gradient")], [3, 8, 15]); // (2 + x) x
    borrower.destroy();
    owner.destroy();
  }
});

Deno.test("compilePlan() refuses a state whose next value is another state as it is", () => {
  const graph = new Graph();
  const [s, t] = ["s", "t"].map((name) => graph.state(name, { type: f32(4), initial: 0 }));
  graph.carry(s, reshape(t, [4]));
  assertThrows(() => compilePlan(graph), HarnessError, 'Cannot carry state "t" in "s"');
});

Deno.test("compilePlan() refuses a state whose next value is a parameter as it is", () => {
  for (const view of [false, true]) {
    const graph = new Graph();
    const s = graph.state("s", { type: f32(4), initial: 0 });
    const w = graph.parameter("w", {
      type: f32(4),
      initial: { kind: "constant", value: 1 },
      decay: false,
    });
    graph.carry(s, view ? reshape(w, [4]) : w);
    assertThrows(() => compilePlan(graph), HarnessError, 'Cannot carry parameter "w" in "s"');
  }
});

Deno.test("compilePlan() refuses a state with a next value as an output, which is read too late", () => {
  for (const view of [false, true]) {
    const graph = new Graph();
    const s = graph.state("s", { type: f32(4), initial: 0 });
    graph.carry(s, add(s, s));
    graph.output("old", view ? reshape(s, [2, 2]) : s);
    assertThrows(() => compilePlan(graph), HarnessError, 'Cannot read state "s" as output "old"');
  }
  const still = new Graph();
  still.output("s", still.state("s", { type: f32(4), initial: 0 }));
  assertEquals(compilePlan(still).outputs.size, 1);
});

Deno.test("state() and carry() refuse a second declaration and a tensor that is no state", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(1));
  graph.state("s", { type: f32(1), initial: 0 });
  const again = () => graph.state("s", { type: f32(1), initial: 0 });
  assertThrows(again, HarnessError, 'Cannot declare state "s" twice');
  assertThrows(() => graph.carry(x, x), HarnessError, 'Cannot carry a value in "x"');
});
