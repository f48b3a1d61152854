/** phase_quantiles against quantiles of numpy, and the rate of its updates. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { op, phaseQuantiles } from "../../../core/ops/phase_quantiles.ts";
import golden from "../../golden/scattering_phase.json" with { type: "json" };
import { runOp } from "./_run_op.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

interface Knots {
  readonly knots: readonly number[];
  readonly updates: number;
}

async function update(phases: readonly number[], before: Knots): Promise<Knots> {
  const [knots, [updates]] = await runOp(backend, op, {
    inputs: [
      { type: f32(phases.length), values: phases },
      { type: f32(before.knots.length), values: before.knots },
      { type: f32(1), values: [before.updates] },
    ],
    attributes: {},
  });
  return { knots, updates };
}

Deno.test("phaseQuantiles() finds the quantiles of a batch within its fast updates, from knots at 0", async () => {
  const { sample, quantiles } = golden.quantiles;
  let state: Knots = { knots: new Array<number>(15).fill(0), updates: 0 };
  for (let t = 0; t < 8; t++) state = await update(sample, state);
  assertEquals(state.updates, 8);
  const inRank = (knot: number): number => sample.filter((x) => x < knot).length / sample.length;
  state.knots.forEach((knot, j) => {
    const error = Math.abs(inRank(knot) - (j + 1) / 16);
    assert(error <= 5e-3, `knot ${j} has level ${inRank(knot)}`);
    const distance = Math.abs(knot - quantiles[j]);
    assert(distance <= 2e-2, `knot ${j} is ${knot}, the quantile ${quantiles[j]}`);
  });
});

Deno.test("phaseQuantiles() moves at 1, then by 1/n, then by 1/5, along the line between counts", async () => {
  // One knot at 0, phases -1 and 3: the counts' line is (-1, 0), (0, 1/2), (3, 1), so the median's place is 0.
  // Phases 1 and 3: the line from (1, 0) to (3, 1) reaches 1/2 at 2.
  const at = async (updates: number) => (await update([1, 3], { knots: [0], updates })).knots[0];
  assertEquals((await update([-1, 3], { knots: [0], updates: 0 })).knots, [0]);
  assertEquals(await at(0), 2);
  assertEquals(await at(8), 2);
  assertEquals(await at(9), 1);
  assertEquals(await at(11), 0.5);
  assertEquals(await at(12), Math.fround(2 * Math.fround(0.2)));
  assertEquals(await at(4000), Math.fround(2 * Math.fround(0.2)));
});

Deno.test("phaseQuantiles() puts all knots on the value that all phases have", async () => {
  const equal = new Array<number>(300).fill(0.75);
  const { knots } = await update(equal, { knots: [-1, 0, 2], updates: 0 });
  assertEquals(knots, [0.75, 0.75, 0.75]);
});

Deno.test("phaseQuantiles() counts no NaN, and keeps its knots where there is nothing else", async () => {
  const before = { knots: [-1, 0, 2], updates: 3 };
  assertEquals(await update([NaN, NaN], before), { knots: [-1, 0, 2], updates: 4 });
  const some = await update([NaN, 1, NaN, 5], before);
  assert(some.knots.every(Number.isFinite));
});

Deno.test("phaseQuantiles() refuses shapes that do not belong together", () => {
  const graph = new Graph();
  const [phases, knots] = [graph.input("phases", f32(4)), graph.input("knots", f32(3))];
  const two = graph.input("two", f32(2));
  assertThrows(() => phaseQuantiles(phases, { knots, updates: two }), ShapeError, "updates");
});
