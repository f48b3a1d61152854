import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { HarnessError } from "../../../core/errors.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph, type InitialLaw, type Tensor } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { recordMetric } from "../../../core/ops/record_metric.ts";
import { relu } from "../../../core/ops/relu.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { scale } from "../../../core/ops/scale.ts";
import { softmax } from "../../../core/ops/softmax.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { NO_FUSION } from "../../../core/plan/fuse.ts";
import { layOutParameters } from "../../../core/plan/parameter_layout.ts";
import type { PlacedTensor, Plan } from "../../../core/plan/plan.ts";

const INITIAL: InitialLaw = { kind: "constant", value: 0.5 };

function outputOf(plan: Plan, label: string): PlacedTensor {
  return plan.tensors[plan.outputs.get(label)!];
}
function opsOf(plan: Plan): readonly string[] {
  return plan.steps.map((step) => step.op.name);
}

Deno.test("compilePlan() drops nodes that no output needs, and keeps those that update memory", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(4, 4));
  const used = softmax(x);
  matmul(used, x); // dead, though its operand lives
  relu(softmax(matmul(x, x))); // a dead chain
  graph.output("y", used);
  const ring = graph.arena("metric", f32(2, 16));
  recordMetric({ ring, slot: graph.input("slot", i32(1)), values: softmax(scale(x, 2)) }, {
    column: 0,
  });
  const plan = compilePlan(graph, { fusion: NO_FUSION });
  assertEquals(opsOf(plan), ["softmax", "scale", "softmax", "record_metric"]);
  assertEquals(plan.arenaBytes.metric, 128);
});

Deno.test("compilePlan() puts decayed parameters first, each in order of declaration, 256 bytes aligned", () => {
  const graph = new Graph();
  const parameter = (name: string, size: number, decay: boolean): Tensor =>
    graph.parameter(name, { type: f32(size), initial: INITIAL, decay });
  const all = [
    parameter("gain", 3, false),
    parameter("weight", 65, true),
    parameter("bias", 64, false),
    parameter("head", 1, true),
  ];
  all.forEach((tensor) => graph.output(tensor.label, tensor));
  const plan = compilePlan(graph);
  const offsets = plan.parameters.map((
    { name, tensor },
  ) => [name, plan.tensors[tensor].byteOffset]);
  // weight takes 260 bytes, which is two units; head one; gain and bias one each.
  assertEquals(offsets, [["gain", 768], ["weight", 0], ["bias", 1024], ["head", 512]]);
  assertEquals(plan.arenaBytes.param, 1280);
  const layout = layOutParameters(graph.parameters);
  assertEquals([layout.bytes, layout.decayedBytes], [1280, 768]);
  assertEquals(plan.parameters.map(({ initial }) => initial), all.map(() => INITIAL));
});

Deno.test("compilePlan() lets a parameter's gradient be written at the parameter's own offset in grad", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(8, 16));
  const make = (name: string, ...shape: number[]): Tensor =>
    graph.parameter(name, { type: f32(...shape), initial: INITIAL, decay: name !== "gain" });
  const [gain, weight, unused] = [make("gain", 16), make("weight", 16, 5), make("unused", 9)];
  const y = matmul(multiply(x, gain), weight);
  const gradients = gradientsOf([{ tensor: y, cotangent: y }], graph.parameters);
  const pairs = graph.parameters.map((tensor, k) => [tensor, gradients[k]] as const);
  const plan = compilePlan(graph, { gradients: new Map(pairs) });
  const placed = new Map(plan.parameters.map(({ name, tensor }) => [name, plan.tensors[tensor]]));
  for (const tensor of [gain, weight, unused]) {
    const { byteOffset, type } = placed.get(tensor.label)!;
    const writers = plan.steps.filter((step) =>
      step.writes.some((index) => {
        const at = plan.tensors[index];
        return at.arena === "grad" && at.byteOffset === byteOffset;
      })
    );
    assertEquals(writers.length, 1, `${tensor.label} has ${writers.length} writers`);
    const written = plan.tensors[writers[0].writes[0]];
    assertEquals(written.byteLength, 4 * Math.ceil(type.shape.reduce((a, b) => a * b) / 4) * 4);
  }
  assertEquals(plan.arenaBytes.grad, plan.arenaBytes.param);
});

Deno.test("compilePlan() refuses a gradient that would need two places, and one that is no result", () => {
  const graph = new Graph();
  const a = graph.parameter("a", { type: f32(4), initial: INITIAL, decay: true });
  const b = graph.parameter("b", { type: f32(4), initial: INITIAL, decay: true });
  const seed = graph.input("seed", f32(4));
  const shared = scale(seed, 2);
  const compile = (pairs: readonly (readonly [Tensor, Tensor])[]): Plan =>
    compilePlan(graph, { gradients: new Map(pairs) });
  const message = (name: string): string =>
    `Cannot place the gradient of "${name}": its tensor has another place`;
  assertThrows(() => compile([[a, shared], [b, shared]]), HarnessError, message("b"));
  assertThrows(
    () => compile([[a, shared], [b, reshape(reshape(shared, [2, 2]), [4])]]),
    HarnessError,
    message("b"),
  );
  assertThrows(() => compile([[a, seed]]), HarnessError, message("a"));
  assertThrows(() => compile([[a, b]]), HarnessError, message("a"));
  assertEquals(compile([[a, shared], [b, scale(seed, 3)]]).arenaBytes.grad, 512);
});

Deno.test("compilePlan() gives a view the memory of what it views, and no launch", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(4, 6));
  const y = softmax(x);
  const view = reshape(reshape(y, [24]), [6, 4]);
  graph.output("y", y);
  graph.output("view", view);
  graph.output("view of an input", reshape(x, [24]));
  const plan = compilePlan(graph);
  assertEquals(opsOf(plan), ["softmax"]);
  const [a, b, c] = ["y", "view", "view of an input"].map((label) => outputOf(plan, label));
  assertEquals([b.arena, b.byteOffset, b.type.shape], [a.arena, a.byteOffset, [6, 4]]);
  assertEquals([c.arena, c.byteOffset], ["io", plan.tensors[plan.inputs.get("x")!].byteOffset]);
});

Deno.test("compilePlan() keeps outputs alive to the end and inputs apart from each other", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(3));
  const ids = graph.input("unused ids", i32(70));
  const early = relu(x);
  graph.output("early", early);
  let y = early;
  for (let k = 0; k < 5; k++) y = softmax(reshape(y, [1, 3]));
  graph.output("late", y);
  const plan = compilePlan(graph);
  const last = plan.steps.length;
  assertEquals(outputOf(plan, "early").dies, last);
  assertEquals(outputOf(plan, "late").dies, last);
  const [a, b] = ["x", ids.label].map((name) => plan.tensors[plan.inputs.get(name)!]);
  assertEquals([a.arena, b.arena, a.byteOffset, b.byteOffset], ["io", "io", 0, 256]);
  assertEquals(plan.arenaBytes.io, 256 + 512);
  assertEquals([...plan.outputs.keys()], ["early", "late"]);
});

Deno.test("compilePlan() refuses an output of another graph", () => {
  const [graph, other] = [new Graph(), new Graph()];
  graph.output("y", relu(other.input("x", f32(3))));
  assertThrows(
    () => compilePlan(graph),
    HarnessError,
    'Cannot place tensor "relu": nothing produces it',
  );
});

/** A plan with an attribute, a name, a size and a law to vary. */
function planWith(at: {
  readonly factor?: number;
  readonly name?: string;
  readonly size?: number;
  readonly initial?: InitialLaw;
  readonly share?: boolean;
}): Plan {
  const { factor = 2, name = "w", size = 5, initial = INITIAL, share = true } = at;
  const graph = new Graph();
  const x = graph.input("x", f32(3, size));
  const w = graph.parameter(name, { type: f32(size, size), initial, decay: true });
  const once = softmax(matmul(x, w));
  graph.output("y", softmax(matmul(once, add(w, scale(w, factor)))));
  return compilePlan(graph, { share });
}

Deno.test("compilePlan() gives one digest to equal traces and another to any difference", () => {
  const base = planWith({}).digest;
  assert(/^[0-9a-f]{64}$/.test(base));
  assertEquals(planWith({}).digest, base);
  const others = [
    planWith({ factor: 2.5 }),
    planWith({ name: "v" }),
    planWith({ size: 6 }),
    planWith({ initial: { kind: "constant", value: 0.25 } }),
    planWith({ share: false }),
  ].map((plan) => plan.digest);
  assertEquals(new Set([base, ...others]).size, 6);
});

Deno.test("compilePlan() digests attributes of every kind of op, not only of elementwise ones", () => {
  const digest = (column: number): string => {
    const graph = new Graph();
    const ring = graph.arena("metric", f32(2, 9));
    const slot = graph.input("slot", i32(1));
    recordMetric({ ring, slot, values: graph.input("x", f32(2)) }, { column });
    return compilePlan(graph).digest;
  };
  assertNotEquals(digest(0), digest(1));
});
