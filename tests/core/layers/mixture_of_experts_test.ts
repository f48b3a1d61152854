/** mixtureOfExperts() against its formula with every expert computed for every row, in f64. */
import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { mixtureOfExperts } from "../../../core/layers/mixture_of_experts.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { permutation } from "../../../core/random/permutation.ts";
import { normal } from "../../../core/random/normal.ts";
import { stream } from "../../../core/random/streams.ts";

const software = await webGpuBackend({ preset: "software-adapter" });
globalThis.addEventListener("unload", () => software.destroy());

interface Sizes {
  readonly rows: number;
  readonly channels: number;
  readonly experts: number;
  readonly hidden: number;
  readonly k: number;
}
interface Values {
  readonly x: Float64Array;
  readonly dy: Float64Array;
  readonly gate: Float64Array;
  readonly w1: Float64Array;
  readonly w2: Float64Array;
}
type Found = Readonly<Record<"y" | "usage" | "dx" | "gate" | "w1" | "w2", Float64Array>>;

/** A plain gate. */
const GATE = {
  router: { kind: "gate" },
  loadBalance: 0,
  zLoss: 0,
  gumbel: 0,
  purpose: "evaluate",
} as const;

/** Standard normals, rounded to f32 so that the adapter and the formula see the same numbers. */
function draws(name: string, size: number): Float64Array {
  return Float64Array.from(
    { length: size },
    (_, index) => Math.fround(normal(stream(3, name), { step: 0, index })),
  );
}

function drawValues({ rows, channels, experts, hidden }: Sizes): Values {
  return {
    x: draws("x", rows * channels),
    dy: draws("dy", rows * channels),
    gate: draws("gate", channels * experts),
    w1: draws("w1", experts * channels * hidden),
    w2: draws("w2", experts * hidden * channels),
  };
}

/** Output and gradients of <y, dy> on the adapter. */
async function run(sizes: Sizes, values: Values): Promise<Found> {
  const { rows, channels, experts, hidden, k } = sizes;
  const graph = new Graph();
  const x = graph.input("x", f32(rows, channels));
  const dy = graph.input("dy", f32(rows, channels));
  const { output, usage } = mixtureOfExperts(x, {
    numExperts: experts,
    topK: k,
    dFf: hidden,
    ...GATE,
  });
  const wanted = [x, ...graph.parameters];
  const gradients = gradientsOf([{ tensor: output, cotangent: dy }], wanted);
  graph.output("y", output);
  graph.output("usage", usage);
  wanted.forEach((tensor, i) => graph.output(`d ${tensor.label}`, gradients[i]));
  const plan = compilePlan(graph);
  const program = await software.compile(plan);
  try {
    const parameters = new Float32Array(plan.arenaBytes.param / 4);
    for (const { name, tensor } of plan.parameters) {
      const of = name.replace("experts/", "") as "gate" | "w1" | "w2";
      parameters.set(values[of], plan.tensors[tensor].byteOffset / 4);
    }
    program.write("param", parameters);
    program.step({ x: Float32Array.from(values.x), dy: Float32Array.from(values.dy) });
    return {
      y: await program.read("y"),
      usage: await program.read("usage"),
      dx: await program.read("d x"),
      gate: await program.read("d experts/gate"),
      w1: await program.read("d experts/w1"),
      w2: await program.read("d experts/w2"),
    };
  } finally {
    program.destroy();
  }
}

/** The chosen experts and their weights for one row: all E weights, zero where not chosen. */
function gateWeights(sizes: Sizes, values: Values, row: number): number[] {
  const { channels, experts, k } = sizes;
  const logits = Array.from({ length: experts }, (_, e) => {
    let total = 0;
    for (let d = 0; d < channels; d++) {
      total += values.x[row * channels + d] * values.gate[d * experts + e];
    }
    return total;
  });
  const exps = logits.map(Math.exp);
  const p = exps.map((value) => value / exps.reduce((a, b) => a + b));
  const chosen = p.map((_, e) => e).sort((a, b) => p[b] - p[a] || a - b).slice(0, k);
  const scale = k === 1 ? 1 : chosen.reduce((total, e) => total + p[e], 0);
  return p.map((value, e) => chosen.includes(e) ? value / scale : 0);
}

/** sum_e g[r, e] relu(x[r] w1[e]) w2[e] over all experts, in f64. */
function denseOutput(sizes: Sizes, values: Values): Float64Array {
  const { rows, channels, experts, hidden } = sizes;
  const y = new Float64Array(rows * channels);
  for (let r = 0; r < rows; r++) {
    const g = gateWeights(sizes, values, r);
    for (let e = 0; e < experts; e++) {
      for (let f = 0; f < hidden; f++) {
        let h = 0;
        for (let d = 0; d < channels; d++) {
          h += values.x[r * channels + d] * values.w1[(e * channels + d) * hidden + f];
        }
        for (let d = 0; d < channels; d++) {
          y[r * channels + d] += g[e] * Math.max(h, 0) *
            values.w2[(e * hidden + f) * channels + d];
        }
      }
    }
  }
  return y;
}

function norm(values: Float64Array): number {
  return Math.sqrt(values.reduce((total, v) => total + v * v, 0));
}

/** Largest difference relative to the largest wanted magnitude. */
function distance(got: Float64Array, want: Float64Array): number {
  const scale = want.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return got.reduce((worst, value, i) => {
    const error = Math.abs(value - want[i]) / scale;
    return error <= worst ? worst : error; // NaN is kept
  }, 0);
}

const ONE: Sizes = { rows: 67, channels: 16, experts: 5, hidden: 24, k: 1 };
const TWO: Sizes = { rows: 41, channels: 12, experts: 4, hidden: 20, k: 2 };
const PRIME: Sizes = { rows: 23, channels: 7, experts: 3, hidden: 13, k: 3 };
/** Every expert serves every row, more of them than a choice may have. */
const MANY: Sizes = { rows: 29, channels: 8, experts: 11, hidden: 12, k: 11 };

for (const sizes of [ONE, TWO, PRIME, MANY]) {
  Deno.test(`mixtureOfExperts() equals all experts computed and masked, k = ${sizes.k}`, async () => {
    const values = drawValues(sizes);
    const { y, usage } = await run(sizes, values);
    const error = distance(y, denseOutput(sizes, values));
    assert(error <= 1e-5, `off by ${error}`);
    // Usage by count: choices with a weight above zero, expert by expert.
    const counts = new Array<number>(sizes.experts).fill(0);
    for (let r = 0; r < sizes.rows; r++) {
      gateWeights(sizes, values, r).forEach((g, e) => counts[e] += g > 0 ? 1 : 0);
    }
    const pairs = sizes.rows * sizes.k;
    assertEquals([...usage], counts.map((count) => Math.fround(count / pairs)));
  });

  Deno.test(`mixtureOfExperts() has the gradient of the masked formula, k = ${sizes.k}`, async () => {
    const values = drawValues(sizes);
    const found = await run(sizes, values);
    const objective = (at: Values): number =>
      denseOutput(sizes, at).reduce((total, value, i) => total + value * values.dy[i], 0);
    for (const name of ["x", "gate", "w1", "w2"] as const) {
      const gradient = found[name === "x" ? "dx" : name];
      // One direction that touches every element, and a step that seldom reaches a kink of the relu.
      const direction = draws(`direction ${name}`, gradient.length);
      const shifted = (t: number): Values => ({
        ...values,
        [name]: values[name].map((v, i) => v + t * direction[i]),
      });
      const h = 2 ** -16;
      const want = (objective(shifted(h)) - objective(shifted(-h))) / (2 * h);
      const got = gradient.reduce((total, g, i) => total + g * direction[i], 0);
      const error = Math.abs(got - want) / (norm(gradient) + Math.abs(want));
      assert(error <= 1e-4, `${name}: got ${got}, differences give ${want}`);
    }
  });
}

Deno.test("mixtureOfExperts() trains its gate also when each row has one expert", async () => {
  const { gate } = await run(ONE, drawValues(ONE));
  assert(norm(gate) > 1e-3, `norm ${norm(gate)}`);
});

Deno.test("mixtureOfExperts() permutes its outputs with its rows, to the bit", async () => {
  for (const sizes of [ONE, TWO, PRIME, MANY]) {
    const { rows, channels } = sizes;
    const values = drawValues(sizes);
    const order = Array.from(permutation(stream(5, "rows"), 0, rows));
    assertNotEquals(order, order.map((_, i) => i));
    const permuted = (of: Float64Array): Float64Array =>
      of.map((_, i) => of[order[Math.floor(i / channels)] * channels + i % channels]);
    const { y, dx } = await run(sizes, values);
    const other = await run(sizes, { ...values, x: permuted(values.x), dy: permuted(values.dy) });
    assertEquals(other.y, permuted(y));
    assertEquals(other.dx, permuted(dx));
  }
});

Deno.test("mixtureOfExperts() gives an expert without rows zero gradient and no NaN", async () => {
  const sizes = ONE;
  const values = drawValues(sizes);
  // Positive rows and one very negative column of the gate: expert 3 never wins.
  const x = values.x.map(Math.abs);
  const gate = values.gate.map((v, i) => i % sizes.experts === 3 ? -5 : v);
  const found = await run(sizes, { ...values, x, gate });
  assertEquals(found.usage[3], 0);
  const size = sizes.channels * sizes.hidden;
  for (const gradient of [found.w1, found.w2]) {
    assertEquals(gradient.subarray(3 * size, 4 * size), new Float64Array(size));
  }
  for (const tensor of Object.values(found)) assert(tensor.every(Number.isFinite));
  assert(norm(found.w1) > 0);
});

Deno.test("mixtureOfExperts() gives the same bits twice", async () => {
  for (const sizes of [TWO, MANY]) {
    const values = drawValues(sizes);
    assertEquals(await run(sizes, values), await run(sizes, values));
  }
});

Deno.test("mixtureOfExperts() refuses more choices than experts, and more than eight of them", () => {
  const x = new Graph().input("x", f32(2, 3));
  const choose = (topK: number, numExperts: number) =>
    mixtureOfExperts(x, { numExperts, topK, dFf: 4, name: `${topK} of ${numExperts}`, ...GATE });
  assertThrows(() => choose(3, 2), ShapeError, "from 1 to 2");
  assertThrows(() => choose(9, 12), ShapeError, "from 1 to 8");
});
