import { assertEquals, assertThrows } from "@std/assert";
import { HarnessError, ShapeError } from "../../../core/errors.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph, type InitialLaw, type Tensor } from "../../../core/graph/tensor.ts";
import { apply, applyAll } from "../../../core/graph/trace.ts";
import { add } from "../../../core/ops/add.ts";
import { op as reshapeOp } from "../../../core/ops/reshape.ts";

const INITIAL: InitialLaw = { kind: "constant", value: 0 };
const PARAMETER = { type: f32(2), initial: INITIAL, decay: true };

Deno.test("Graph labels parameters and nodes by the scopes around them", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2));
  const [w, y] = graph.scope("block0", () =>
    graph.scope("mixer", () => {
      const w = graph.parameter("weight", PARAMETER);
      return [w, add(x, w)];
    }));
  const outside = graph.parameter("weight", PARAMETER);
  assertEquals([w, y, outside].map((tensor) => tensor.label), [
    "block0/mixer/weight",
    "block0/mixer/add",
    "weight",
  ]);
  assertEquals(graph.nodes.map((node) => node.label), ["block0/mixer/add"]);
  // Inputs have one name for the host, whatever the scope.
  assertEquals(graph.scope("block1", () => graph.input("ids", i32(3))).label, "ids");
});

Deno.test("Graph.scope() ends when its body throws", () => {
  const graph = new Graph();
  assertThrows(
    () =>
      graph.scope("broken", () => {
        throw new Error("inside");
      }),
    Error,
    "inside",
  );
  assertEquals(graph.parameter("weight", PARAMETER).label, "weight");
});

Deno.test("Graph refuses a second parameter, input or output of one name", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2));
  graph.scope("a", () => graph.parameter("w", PARAMETER));
  graph.scope("b", () => graph.parameter("w", PARAMETER));
  graph.output("y", x);
  const again: readonly (readonly [() => void, string])[] = [
    [() => graph.scope("a", () => graph.parameter("w", PARAMETER)), 'parameter "a/w" twice'],
    [() => graph.input("x", f32(9)), 'input "x" twice'],
    [() => graph.output("y", x), 'output "y" twice'],
  ];
  for (const [body, message] of again) {
    assertThrows(body, HarnessError, `Cannot declare ${message}`);
  }
  assertEquals([graph.parameters.length, graph.inputs.length, graph.outputs.size], [2, 1, 1]);
});

Deno.test("Graph.withSameParameters() returns the parameters that are there, inside it alone", () => {
  const graph = new Graph();
  const first = graph.parameter("w", PARAMETER);
  assertEquals(graph.withSameParameters(() => graph.parameter("w", PARAMETER)) === first, true);
  assertThrows(() => graph.parameter("w", PARAMETER), HarnessError, "twice");
});

Deno.test("Graph.withSameParameters() and withOwnStates() refuse a second declaration within one run", () => {
  const graph = new Graph();
  const state = (): Tensor => graph.state("s", { type: f32(1), initial: 0 });
  const parameter = (): Tensor => graph.parameter("w", PARAMETER);
  const once = (): void => {
    state();
    parameter();
  };
  once();
  for (const again of [state, parameter]) {
    for (
      const twice of [() => [again(), again()], () => [graph.withSameParameters(again), again()]]
    ) {
      assertThrows(() => graph.withSameParameters(twice), HarnessError, "twice");
      assertThrows(() => graph.withOwnStates("second", twice), HarnessError, "twice");
    }
  }
  // What a run declares first, here "second/s", it declares once as well; run after run may declare it again.
  for (let run = 0; run < 2; run++) {
    graph.withSameParameters(() => {
      once();
      graph.withOwnStates("second", once);
    });
  }
  assertEquals(graph.states.map(({ label }) => label), ["s", "second/s"]);
  assertEquals(graph.parameters.length, 1);
});

Deno.test("Graph.carry() refuses a second value from one run, and the last run's value is kept", () => {
  const graph = new Graph();
  const s = graph.state("s", { type: f32(2), initial: 0 });
  const x = graph.input("x", f32(2));
  const [first, second, third] = [add(x, x), add(x, s), add(s, s)];
  assertEquals(graph.carried(s) === s, true);
  graph.carry(s, first);
  assertEquals(graph.carried(s) === first, true);
  assertThrows(() => graph.carry(s, second), HarnessError, 'Cannot carry "add" in state "s"');
  const twice = (): void => [second, third].forEach((next) => graph.carry(s, next));
  assertThrows(() => graph.withSameParameters(twice), HarnessError, 'in state "s"');
  graph.withSameParameters(() => graph.carry(s, third));
  assertEquals([graph.nextStates.get(s) === third, graph.carried(s) === third], [true, true]);
});

Deno.test("Graph.segment() holds the nodes traced inside it and refuses to be nested", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2));
  add(x, x);
  graph.segment("block0", () => add(add(x, x), x));
  graph.segment("block1", () => x);
  assertEquals(graph.segments, [{ name: "block0", first: 1, end: 3 }, {
    name: "block1",
    first: 3,
    end: 3,
  }]);
  assertEquals(graph.nodes[2].label, "block0/add");
  assertThrows(
    () => graph.segment("outer", () => graph.segment("inner", () => x)),
    HarnessError,
    'Cannot nest segment "inner" in "outer"',
  );
});

Deno.test("Graph.segment() refuses to be nested behind other nodes, too", () => {
  const graph = new Graph();
  const x = graph.input("x", f32(2));
  const nest = (): void => {
    graph.segment("outer", () => {
      add(x, x);
      graph.segment("inner", () => add(x, x));
    });
  };
  assertThrows(nest, HarnessError, 'Cannot nest segment "inner" in "outer"');
});

Deno.test("apply() refuses tensors of two graphs, no tensors, and types that the op rejects", () => {
  const [x, y] = [new Graph(), new Graph()].map((graph) => graph.input("x", f32(2)));
  assertThrows(() => add(x, y), HarnessError, 'Cannot apply "add" to tensors of two graphs');
  assertThrows(() => applyAll(reshapeOp, [], { shape: "1" }), HarnessError, "to no tensors");
  assertThrows(() => apply(reshapeOp, [x], { shape: "3" }), ShapeError, "got 2 and 3");
  assertEquals(x.graph.nodes.length + y.graph.nodes.length, 0);
});
