/** Half-precision storage on graphs made by hand: what is packed, when, and what the gradients are then. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, sizeOf } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { fill } from "../../../core/ops/fill.ts";
import { linearScan } from "../../../core/ops/linear_scan.ts";
import { matmul } from "../../../core/ops/matmul.ts";
import { multiply } from "../../../core/ops/multiply.ts";
import { reshape } from "../../../core/ops/reshape.ts";
import { rmsNormalise } from "../../../core/ops/rms_norm.ts";
import { scale } from "../../../core/ops/scale.ts";
import { softmax } from "../../../core/ops/softmax.ts";
import { sum } from "../../../core/ops/sum.ts";
import type { Backend, StepInput } from "../../../core/plan/backend.ts";
import { type CompileOptions, compilePlan } from "../../../core/plan/compile_plan.ts";
import { type GradientOptions, gradientsOf } from "../../../core/plan/differentiate.ts";
import { NO_FUSION } from "../../../core/plan/fuse.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import { assertHalvesNearUse, countOf } from "./_halves_near_use.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());
const oracle = referenceBackend({ precision: "f64" });

const SIDE = 64;
const HALVES: GradientOptions = { storage: "f16" };

/** A graph with inputs x and y (64, 64), and the sums of its result's gradients by them as outputs dx and dy. */
function gradientsGraph(
  body: (x: Tensor, y: Tensor) => Tensor,
  options: GradientOptions = HALVES,
): Graph {
  const graph = new Graph();
  const x = graph.input("x", f32(SIDE, SIDE));
  const y = graph.input("y", f32(SIDE, SIDE));
  const result = body(x, y);
  const cotangent = graph.input("cotangent", result.type);
  const [dx, dy] = gradientsOf([{ tensor: result, cotangent }], [x, y], options);
  graph.output("dx", dx);
  graph.output("dy", dy);
  return graph;
}

function planOf(body: (x: Tensor, y: Tensor) => Tensor, options = HALVES): Plan {
  return compilePlan(gradientsGraph(body, options));
}

/** Values of about 1 whose halves are rounded ones, f32 exactly. */
function valuesOf(graph: Graph): StepInput {
  const law: Record<string, (i: number) => number> = {
    x: (i) => Math.sin(1.7 * i),
    y: (i) => Math.cos(0.9 * i),
    cotangent: (i) => Math.sin(0.3 * i + 1),
  };
  return Object.fromEntries(
    graph.inputs.map(({ label, type }) => [
      label,
      Float32Array.from({ length: sizeOf(type.shape) }, (_, i) => law[label](i)),
    ]),
  );
}

async function run(graph: Graph, on: Backend, at: {
  readonly inputs: StepInput;
  readonly options?: CompileOptions;
}): Promise<Readonly<Record<string, Float64Array>>> {
  const program = await on.compile(compilePlan(graph, at.options));
  try {
    program.step(at.inputs);
    return { dx: await program.read("dx"), dy: await program.read("dy") };
  } finally {
    program.destroy();
  }
}

/** Two values that the gradient of their product reads. */
const product = (x: Tensor, y: Tensor): Tensor =>
  multiply(add(x, scale(y, 2)), add(y, scale(x, 3)));

Deno.test("gradientsOf() with halves gives the gradients at rounded values", async () => {
  const graph = gradientsGraph(product);
  const inputs = valuesOf(graph);
  const found = await run(graph, oracle, { inputs });
  for (let i = 0; i < SIDE * SIDE; i++) {
    const [x, y, c] = [inputs.x[i], inputs.y[i], inputs.cotangent[i]];
    const left = c * Math.f16round(y + 3 * x); // cotangent of x + 2 y
    const right = c * Math.f16round(x + 2 * y); // cotangent of y + 3 x
    assert(Math.abs(found.dx[i] - (left + 3 * right)) <= 1e-13);
    assert(Math.abs(found.dy[i] - (2 * left + right)) <= 1e-13);
  }
  assert(countOf(planOf(product), "pack_f16") === 2);
  assert(countOf(planOf(product, { storage: "f32" }), "pack_f16") === 0);
});

Deno.test("gradientsOf() with halves gives the same bits however memory is shared and twice in a row", async () => {
  const graph = gradientsGraph((x, y) => matmul(softmax(product(x, y)), product(y, x)));
  const inputs = valuesOf(graph);
  const once = await run(graph, backend, { inputs });
  assertEquals(await run(graph, backend, { inputs }), once);
  assertEquals(await run(graph, backend, { inputs, options: { share: false } }), once);
  const plain = await run(graph, oracle, { inputs, options: { fusion: NO_FUSION, share: false } });
  assertEquals(await run(graph, oracle, { inputs }), plain);
});

Deno.test("gradientsOf() with halves makes a value beyond 65504 a gradient that is not finite", async () => {
  for (const on of [backend, oracle]) {
    for (const [storage, isFinite] of [["f32", true], ["f16", false]] as const) {
      const graph = gradientsGraph((x, y) => multiply(add(x, y), add(y, scale(x, 0.5))), {
        storage,
      });
      const inputs = valuesOf(graph);
      inputs.x[77] = 70000;
      const { dx, dy } = await run(graph, on, { inputs });
      for (const gradient of [dx, dy]) {
        assertEquals(Number.isFinite(gradient[77]), isFinite);
        assert(gradient.every((value, i) => i === 77 || Number.isFinite(value)));
      }
    }
  }
});

Deno.test("gradientsOf() packs a value once for all its views, and unpacks it anew for distant readers", () => {
  const plan = planOf((x, y) => {
    const value = add(x, y);
    const first = multiply(reshape(value, [SIDE * SIDE]), reshape(x, [SIDE * SIDE]));
    const second = softmax(matmul(value, softmax(reshape(first, [SIDE, SIDE]))));
    return matmul(value, softmax(second));
  });
  assertEquals(plan.steps.filter(({ label }) => label === "add/pack_f16").length, 1);
  // Read by two products with softmaxes between them, and as one row.
  assertEquals(plan.steps.filter(({ label }) => label === "add/unpack_f16").length, 3);
  assertHalvesNearUse(plan);
});

Deno.test("gradientsOf() shares an unpacked value between the gradients of neighbours", () => {
  const plan = planOf((x, y) => {
    const value = softmax(add(x, y));
    return add(matmul(value, x), matmul(value, y));
  });
  assertEquals(countOf(plan, "pack_f16"), 1);
  assertEquals(countOf(plan, "unpack_f16"), 1);
  assertHalvesNearUse(plan);
});

Deno.test("gradientsOf() packs right behind the producer and unpacks right before the reader", () => {
  for (const fusion of [undefined, NO_FUSION]) {
    const graph = gradientsGraph((x, y) => {
      const hidden = softmax(product(x, y));
      return product(softmax(matmul(hidden, y)), multiply(hidden, x));
    });
    const plan = compilePlan(graph, fusion ? { fusion } : {});
    assert(countOf(plan, "pack_f16") >= 3);
    assertHalvesNearUse(plan);
  }
});

Deno.test("gradientsOf() leaves in f32 what halves would not make smaller, or must not round", () => {
  const twice = (value: Tensor, x: Tensor): Tensor => softmax(matmul(multiply(value, value), x));
  const kept: Record<string, (x: Tensor, y: Tensor) => Tensor> = {
    "inputs": (x, y) => softmax(matmul(x, y)),
    "constants": (x) => multiply(x, fill(x.graph, { shape: [SIDE, SIDE], value: 0.1 })),
    "small values": (x, y) => matmul(matmul(sum(x, { axis: 0 }), y), x),
    // The gradient reads it at once, so its f32 value does not wait.
    "the last value": (x, y) => softmax(add(x, y)),
  };
  for (const [name, body] of Object.entries(kept)) {
    assertEquals(countOf(planOf(body), "pack_f16"), 0, name);
  }
  const scan = (x: Tensor, y: Tensor): Tensor => {
    const [a, b] = [add(x, y), multiply(x, y)].map((t) => reshape(t, [1, SIDE, SIDE]));
    return matmul(reshape(linearScan(a, b), [SIDE, SIDE]), x);
  };
  assertEquals(countOf(planOf(scan), "pack_f16"), 0, "a recurrence");
  assert(countOf(planOf((x, y) => twice(add(x, y), x)), "pack_f16") > 0, "an ordinary value");
  const shown = (x: Tensor, y: Tensor): Tensor => {
    const value = add(x, y);
    value.graph.output("shown", value);
    return multiply(value, y);
  };
  assertEquals(countOf(planOf(shown), "pack_f16"), 0, "an output");
  const statistics = planOf((x, y) => {
    const wide = rmsNormalise(reshape(matmul(x, y), [SIDE * SIDE, 1]), { epsilon: 1 });
    return softmax(matmul(reshape(wide, [SIDE, SIDE]), x));
  });
  const labels = statistics.steps.filter(({ op }) => op.name === "pack_f16").map((s) => s.label);
  assertEquals(labels, ["rms_norm/pack_f16"]); // xhat, not the 4096 inverse roots
});
