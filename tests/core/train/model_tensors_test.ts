import { assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { add } from "../../../core/ops/add.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import type { Plan } from "../../../core/plan/plan.ts";
import { modelTensors, parameterArena, stateArena } from "../../../core/train/model_tensors.ts";

/** A plan that adds parameters and states of these sizes, in this order of declaration. */
function planOf(sizes: {
  readonly parameters: Readonly<Record<string, number>>;
  readonly states: Readonly<Record<string, number>>;
}): Plan {
  const graph = new Graph();
  const initial = { kind: "constant", value: 0 } as const;
  for (const [name, size] of Object.entries(sizes.parameters)) {
    const p = graph.parameter(name, { type: f32(size), initial, decay: false });
    graph.output(`out/${name}`, add(p, p));
  }
  for (const [name, size] of Object.entries(sizes.states)) {
    const s = graph.state(name, { type: f32(size), initial: 7 });
    graph.output(`out/${name}`, add(s, s));
  }
  return compilePlan(graph);
}

function named(entries: Readonly<Record<string, readonly number[]>>) {
  return new Map(
    Object.entries(entries).map(([name, values]) =>
      [name, { shape: [values.length], values: Float32Array.from(values) }] as const
    ),
  );
}

const MODEL = { parameters: named({ w: [1, 2, 3], u: [4] }), states: named({ knots: [5, 6] }) };

Deno.test("modelTensors() gives back what parameterArena() and stateArena() were given", () => {
  const plan = planOf({ parameters: { u: 1, w: 3 }, states: { knots: 2 } });
  const arenas = { param: parameterArena(plan, MODEL), state: stateArena(plan, MODEL) };
  const back = modelTensors(plan, arenas);
  assertEquals([...back.parameters.keys()].sort(), ["u", "w"]);
  for (const [name, { shape, values }] of MODEL.parameters) {
    assertEquals(back.parameters.get(name), { shape, values });
  }
  assertEquals(back.states, MODEL.states);
});

Deno.test("stateArena() leaves states that the model does not have at their first value", () => {
  const plan = planOf({ parameters: { w: 3, u: 1 }, states: { stream: 3, knots: 2 } });
  const { states } = modelTensors(plan, {
    param: parameterArena(plan, MODEL),
    state: stateArena(plan, MODEL),
  });
  assertEquals(states.get("stream")!.values, Float32Array.of(7, 7, 7));
  assertEquals(states.get("knots")!.values, Float32Array.of(5, 6));
});

Deno.test("parameterArena() names a parameter that is missing, of another shape, or of no use", () => {
  const refuses = (parameters: Readonly<Record<string, number>>, says: string): void => {
    const plan = planOf({ parameters, states: {} });
    assertThrows(() => parameterArena(plan, MODEL), StoreError, says);
  };
  refuses({ w: 3, u: 1, extra: 2 }, 'at "extra": expected (2), got none of this name');
  refuses({ w: 4, u: 1 }, 'at "w": expected (4), got (3)');
  refuses({ w: 3 }, 'at "u": expected none, got (1)');
  const plan = planOf({ parameters: {}, states: { knots: 3 } });
  assertThrows(() => stateArena(plan, MODEL), StoreError, 'at "knots": expected (3), got (2)');
});
