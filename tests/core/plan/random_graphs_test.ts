/**
 * Random graphs with chains, views, broadcasts, reductions and values used twice: whatever the planner
 * does with launches and memory, every output keeps its value.
 */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, sizeOf } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { fill } from "../../../core/ops/fill.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { relu } from "../../../core/ops/relu.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { scale } from "../../../core/ops/scale.ts";
import { softClamp } from "../../../core/ops/soft_clamp.ts";
import { softmax } from "../../../core/ops/softmax.ts";
import { sum } from "../../../core/ops/sum.ts";
import { swapAxes } from "../../../core/ops/swap_axes.ts";
import type { Backend, StepInput } from "../../../core/plan/backend.ts";
import { type CompileOptions, compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { NO_FUSION } from "../../../core/plan/fuse.ts";
import { bits, stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { relativeError } from "../_trials.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());
const oracle = referenceBackend({ precision: "f64" });

const ROWS = 4;
const COLUMNS = 6;

/** A graph of random ops on (4, 6) values, with a random choice of outputs and gradients of two inputs. */
function randomGraph(seed: number): { readonly graph: Graph; readonly inputs: StepInput } {
  const from = stream(seed, "graph");
  const graph = new Graph();
  const full = [ROWS, COLUMNS];
  const x = graph.input("x", f32(...full));
  const row = graph.input("row", f32(COLUMNS));
  const column = graph.input("column", f32(ROWS, 1));
  const square = graph.input("square", f32(COLUMNS, COLUMNS));
  const made: Tensor[] = [x];
  for (let step = 0; step < 18; step++) {
    const draw = (index: number, n: number): number => bits(from, { step, index }) % n;
    // Recent values more often, so that chains form.
    const [a, b] = [1, 2].map((k) =>
      made[Math.max(0, made.length - 1 - draw(k, 1 + draw(k + 5, 8)))]
    );
    const makers: readonly (() => Tensor)[] = [
      () => add(a, b),
      () => multiply(a, b),
      () => add(a, row),
      () => multiply(column, a),
      () => relu(a),
      () => softClamp(a, 2),
      () => scale(a, -0.75),
      () => add(a, fill(graph, { shape: [], value: 0.5 })),
      () => multiply(a, softmax(b)),
      () => add(a, sum(b, { axis: draw(3, 2) })),
      () => softClamp(matmul(a, square), 3),
      () => reshape(relu(reshape(add(a, b), [ROWS * COLUMNS])), full),
      () => reshape(scale(reshape(a, [COLUMNS, ROWS]), 1.5), full),
      () => swapAxes(scale(swapAxes(a, { axis: 0 }), 0.5), { axis: 0 }),
      () => reshape(add(reshape(a, [2, 12]), reshape(b, [2, 12])), full), // also where a is b
      () => reshape(sum(add(reshape(a, [24, 1]), reshape(a, [1, 24])), { axis: 0 }), full),
      () => add(b, sum(matmul(reshape(a, [6, 4]), a), { axis: 0 })),
      // One tensor read along rows inside a chain and along columns at its end.
      () => add(a, sum(multiply(add(square, row), reshape(row, [6, 1])), { axis: 0 })),
    ];
    made.push(softClamp(makers[draw(0, makers.length)](), 4)); // values stay moderate
  }
  made.slice(1).forEach((tensor, k) => {
    if (bits(from, { step: 100, index: k }) % 5 === 0) graph.output(`v${k}`, tensor);
  });
  const last = made[made.length - 1];
  graph.output("last", last);
  const gradients = gradientsOf([{ tensor: last, cotangent: x }], [x, row, square]);
  ["dx", "dRow", "dSquare"].forEach((label, k) => graph.output(label, gradients[k]));
  const values = (name: string, tensor: Tensor): Float32Array =>
    Float32Array.from(
      { length: sizeOf(tensor.type.shape) },
      (_, index) => 2 * uniform(stream(seed, name), { step: 0, index }) - 1,
    );
  return {
    graph,
    inputs: Object.fromEntries(
      graph.inputs.map((tensor) => [tensor.label, values(tensor.label, tensor)]),
    ),
  };
}

/** All outputs after two steps: the second finds memory that the first has used. */
async function outputsOf(seed: number, options: CompileOptions & { readonly on: Backend }) {
  const { graph, inputs } = randomGraph(seed);
  const { on, ...rest } = options;
  const plan = compilePlan(graph, rest);
  const program = await on.compile(plan);
  try {
    program.step(inputs);
    program.step(inputs);
    const values = new Map<string, Float64Array>();
    for (const label of plan.outputs.keys()) values.set(label, await program.read(label));
    return { plan, values };
  } finally {
    program.destroy();
  }
}

Deno.test("compilePlan() changes no bit of 50 random graphs by fusing, overwriting or sharing, f64 reference", async () => {
  let fewer = 0;
  for (let seed = 0; seed < 50; seed++) {
    const plain = await outputsOf(seed, { on: oracle, fusion: NO_FUSION, share: false });
    assert(plain.values.get("last")!.every(Number.isFinite));
    for (const [chains, tails] of [[false, false], [false, true], [true, false], [true, true]]) {
      for (const [inPlace, share] of [[false, true], [true, true], [true, false]]) {
        const fusion = { chains, inPlace, tails };
        const other = await outputsOf(seed, { on: oracle, fusion, share });
        assertEquals(
          other.values,
          plain.values,
          `graph ${seed}: ${JSON.stringify({ fusion, share })}`,
        );
        if (chains && !tails) fewer += Number(other.plan.steps.length < plain.plan.steps.length);
      }
    }
  }
  assert(fewer > 130, `only ${fewer} of 150 plans have fewer launches`);
});

Deno.test("compilePlan() gives plans of 5 random graphs that the adapter runs like the f64 reference", async () => {
  for (let seed = 0; seed < 5; seed++) {
    const want = await outputsOf(seed, { on: oracle, fusion: NO_FUSION, share: false });
    const got = await outputsOf(seed, { on: backend });
    for (const [label, values] of want.values) {
      const error = relativeError(got.values.get(label)!, values);
      // Up to 18 roundings in a row, some on sums that cancel; measured: 1e-5.
      assert(error <= 1e-4, `graph ${seed}: "${label}" is off by ${error}`);
    }
    const apart = await outputsOf(seed, { on: backend, share: false });
    assertEquals(
      got.values,
      apart.values,
      `graph ${seed}: sharing memory changes bits on the adapter`,
    );
  }
});
