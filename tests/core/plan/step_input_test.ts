import { assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import type { StepInput } from "../../../core/plan/backend.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { placeInputs } from "../../../core/plan/step_input.ts";

const graph = new Graph();
graph.output("x", graph.input("x", f32(2, 3)));
graph.output("ids", graph.input("ids", i32(5)));
const plan = compilePlan(graph);

const GOOD: StepInput = { x: new Float32Array(6), ids: new Int32Array(5) };

Deno.test("placeInputs() gives every input its place in io, in the order of the plan", () => {
  const placed = placeInputs(plan, { ids: GOOD.ids, x: GOOD.x });
  assertEquals(placed.map(({ tensor }) => [tensor.label, tensor.arena]), [["x", "io"], [
    "ids",
    "io",
  ]]);
  assertEquals(placed.map(({ values }) => values), [GOOD.x, GOOD.ids]);
  const [x, ids] = placed.map(({ tensor }) => tensor);
  assertEquals(x.byteOffset + x.byteLength <= ids.byteOffset, true);
  assertEquals(plan.arenaBytes.io >= ids.byteOffset + ids.byteLength, true);
});

Deno.test("placeInputs() says which input is missing, unknown, of another size or type", () => {
  const cases: readonly (readonly [StepInput, string])[] = [
    [{ x: GOOD.x }, 'input "ids" is missing'],
    [{ ...GOOD, slot: new Int32Array(1) }, 'unknown input "slot", the plan has x, ids'],
    [
      { ...GOOD, x: new Float32Array(5) },
      'input "x" expects 6 f32 values, got 5 in a Float32Array',
    ],
    [{ ...GOOD, x: new Int32Array(6) }, 'input "x" expects 6 f32 values, got 6 in a Int32Array'],
    [
      { ...GOOD, ids: new Float32Array(5) },
      'input "ids" expects 5 i32 values, got 5 in a Float32Array',
    ],
    [
      { ...GOOD, ids: new Int32Array(0) },
      'input "ids" expects 5 i32 values, got 0 in a Int32Array',
    ],
  ];
  for (const [given, message] of cases) {
    assertThrows(() => placeInputs(plan, given), ShapeError, `Cannot run a step: ${message}`);
  }
});
