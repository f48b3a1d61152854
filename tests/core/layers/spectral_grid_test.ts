import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import {
  gridTensor,
  gridValues,
  spectralBounds,
  spectralGrid,
} from "../../../core/layers/spectral_grid.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import golden from "../../golden/semiseparable.json" with { type: "json" };

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

Deno.test("spectralBounds() is Gershgorin's interval, which holds the free chain's band", () => {
  // Eigenvalues of the free chain: -2 + 2 cos(pi k / (N + 1)), inside (-4, 0).
  assertEquals(spectralBounds([0, 0, 0], { pMax: 1 }), { low: -4, high: 0 });
  assertEquals(spectralBounds(Float32Array.of(1, -3, 2), { a: 0, pMax: 4 }), { low: -7, high: 6 });
  assertThrows(() => spectralBounds([], { pMax: 1 }), ShapeError, "at least one");
  assertThrows(() => spectralBounds([NaN], { pMax: 1 }), ShapeError);
  assertThrows(() => spectralBounds([0, NaN, 1], { pMax: 1 }), ShapeError);
  assertThrows(() => spectralBounds([0], { pMax: -1 }), ShapeError, "pMax -1");
});

Deno.test("spectralGrid() reaches 5 eta beyond the bounds and keeps eta at two steps or more", () => {
  const grid = spectralGrid({ low: -4, high: 0 }, { eta: 0.5, points: 64 });
  const values = gridValues(grid);
  assertEquals(values.length, 64);
  assertAlmostEquals(values[0], -6.5, 1e-12);
  assertAlmostEquals(values[63], 2.5, 1e-12);
  assertAlmostEquals(grid.step, 9 / 63, 1e-12);
  // 9 / 0.25 = 36 steps, 37 points; with 36 the step is larger than eta / 2.
  assertEquals(spectralGrid({ low: -4, high: 0 }, { eta: 0.5, points: 37 }).step, 0.25);
  const few = () => spectralGrid({ low: -4, high: 0 }, { eta: 0.5, points: 36 });
  assertThrows(few, ShapeError, "at least 37 points");
  assertThrows(() => spectralGrid({ low: 0, high: 1 }, { eta: 0, points: 9 }), ShapeError, "eta 0");
  assertThrows(
    () => spectralGrid({ low: 9, high: 1 }, { eta: 0.1, points: 999 }),
    ShapeError,
    "low <=",
  );
});

Deno.test("gridTensor() gives the energies of gridValues() on the device", async () => {
  const grid = { first: golden.density.grid[0], step: golden.density.step, points: 301 };
  const graph = new Graph();
  graph.output("lambda", gridTensor(graph, grid));
  const program = await backend.compile(compilePlan(graph));
  try {
    program.step({});
    const got = await program.read("lambda");
    const want = gridValues(grid);
    assertEquals(got.length, 301);
    // -7 + j/8 has few bits: exact.
    got.forEach((value, j) => assert(value === want[j], `point ${j}: ${value}, not ${want[j]}`));
  } finally {
    program.destroy();
  }
});
