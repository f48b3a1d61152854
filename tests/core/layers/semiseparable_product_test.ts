/** semiseparableProduct() against dense products of numpy, and its transpose where nothing is symmetric. */
import { assert, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import {
  type SemiseparableMatrix,
  semiseparableProduct,
  transposeSemiseparable,
} from "../../../core/layers/semiseparable_product.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { gradientsOf } from "../../../core/plan/differentiate.ts";
import { referenceBackend } from "../../../core/reference/interpreter.ts";
import golden from "../../golden/semiseparable.json" with { type: "json" };
import { relativeError } from "../_trials.ts";

const { general } = golden;
const PARTS = ["diagonal", "lower", "upper", "u", "v", "sigma"] as const;

const adapter = await webGpuBackend();
globalThis.addEventListener("unload", () => adapter.destroy());

function matrixIn(graph: Graph): Required<SemiseparableMatrix> {
  const { n, rank } = general;
  const types = {
    ...{ diagonal: f32(n), lower: f32(n - 1), upper: f32(n - 1) },
    ...{ u: f32(n, rank), v: f32(n, rank), sigma: f32(rank) },
  };
  const entries = PARTS.map((name) => [name, graph.input(name, types[name])]);
  return Object.fromEntries(entries) as Record<typeof PARTS[number], Tensor>;
}

for (
  const [backend, tolerance] of [
    [referenceBackend({ precision: "f64" }), 1e-11], // the golden numbers have 12 digits
    [adapter, 1e-6], // sums of 3 and 13 terms
  ] as const
) {
  Deno.test(`semiseparableProduct() and its transpose are dense products of numpy, ${backend.facts.name}`, async () => {
    const graph = new Graph();
    const matrix = matrixIn(graph);
    const x = graph.input("x", f32(2, general.n));
    const w = graph.input("w", f32(2, general.n));
    const y = semiseparableProduct(x, matrix);
    const transposed = semiseparableProduct(w, transposeSemiseparable(matrix));
    // The gradient of <w, H x> by x is H^T w, with T^T and not T.
    const [dx] = gradientsOf([{ tensor: y, cotangent: w }], [x]);
    Object.entries({ y, transposed, dx }).forEach(([name, tensor]) => graph.output(name, tensor));
    const program = await backend.compile(compilePlan(graph));
    try {
      const parts = PARTS.map((name) => [name, Float32Array.from(general[name])]);
      const values = Float32Array.from(general.x);
      program.step({ ...Object.fromEntries(parts), x: values, w: values });
      const wants = { y: general.product, transposed: general.transposed, dx: general.transposed };
      for (const [name, want] of Object.entries(wants)) {
        const error = relativeError(await program.read(name), Float64Array.from(want));
        assert(error <= tolerance, `${name} is off by ${error}`);
      }
      // <w, H x> = <H^T w, x>, here with w = x.
      const [left, right] = [await program.read("y"), await program.read("transposed")];
      const inner = (of: Float64Array): number => of.reduce((sum, z, i) => sum + z * values[i], 0);
      assert(Math.abs(inner(left) - inner(right)) <= 1e-5 * Math.abs(inner(left)));
      assert(relativeError(left, right) > 0.1, "the matrix of this test is not symmetric");
    } finally {
      program.destroy();
    }
  });
}

Deno.test("semiseparableProduct() takes U for V where V is left out, at one site as well", async () => {
  const graph = new Graph();
  const input = (name: string, ...shape: number[]): Tensor => graph.input(name, f32(...shape));
  const matrix = {
    ...{ diagonal: input("d", 1), lower: input("l", 0), upper: input("o", 0) },
    ...{ u: input("u", 1, 2), sigma: input("s", 2) },
  };
  graph.output("y", semiseparableProduct(input("x", 1, 1), matrix));
  const program = await adapter.compile(compilePlan(graph));
  try {
    const of = (...values: number[]): Float32Array => Float32Array.from(values);
    program.step({ d: of(3), l: of(), o: of(), u: of(2, 5), s: of(0.5, -1), x: of(4) });
    // (3 + 2 * 0.5 * 2 - 5 * 1 * 5) * 4
    assert(Math.abs((await program.read("y"))[0] + 80) <= 1e-4);
  } finally {
    program.destroy();
  }
});

Deno.test("semiseparableProduct() refuses parts of other sizes", () => {
  const graph = new Graph();
  const matrix = matrixIn(graph);
  const x = graph.input("x", f32(2, general.n));
  const long = { ...matrix, lower: matrix.diagonal };
  assertThrows(() => semiseparableProduct(x, long), ShapeError, "expected (12)");
  const flat = graph.input("flat", f32(general.n));
  assertThrows(() => semiseparableProduct(flat, matrix), ShapeError, "rank 2");
});
