import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32 } from "../../../core/graph/shape.ts";
import { Graph, type Tensor } from "../../../core/graph/tensor.ts";
import { gateRouter } from "../../../core/layers/gate_router.ts";
import type { Purpose } from "../../../core/layers/purpose.ts";
import { scheduledState } from "../../../core/layers/scheduled_state.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { threefry2x32 } from "../../../core/random/threefry.ts";
import { initialParameters } from "../../../core/train/initial_parameters.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

const [ROWS, CHANNELS, EXPERTS] = [19, 6, 5];
const POSITION = [17, -4, 3] as const;

/** The noise by definition: -ln(-ln u), u the middle of a 23-bit cell of word i at (step, i). */
const NOISE = Array.from({ length: ROWS * EXPERTS }, (_, i) => {
  const [key0, key1, step] = POSITION;
  const [word] = threefry2x32([key0 >>> 0, key1 >>> 0], [step, i]);
  return -Math.log(-Math.log(((word >>> 9) + 0.5) / 2 ** 23));
});

/** Logits (R, E) of a gate whose temperature is `tau`. */
async function logitsAt(
  purpose: Purpose,
  tau: (graph: Graph) => Tensor | number,
): Promise<Float64Array> {
  const graph = new Graph();
  const x = graph.input("x", f32(ROWS, CHANNELS));
  const { logits } = gateRouter(x, {
    numExperts: EXPERTS,
    topK: 1,
    gumbel: tau(graph),
    purpose,
    noise: () => graph.input("noise", i32(3)),
  });
  graph.output("logits", logits);
  const plan = compilePlan(graph);
  const program = await backend.compile(plan);
  try {
    program.write("param", initialParameters(plan, 5));
    program.write("state", Float32Array.from(plan.states, () => 0.375));
    program.step({
      x: Float32Array.from({ length: ROWS * CHANNELS }, (_, i) => Math.sin(i)),
      ...(plan.inputs.has("noise") ? { noise: Int32Array.from(POSITION) } : {}),
    });
    return await program.read("logits");
  } finally {
    program.destroy();
  }
}

/** A state at 0.375 that nothing moves. */
const scheduled = (graph: Graph): Tensor =>
  scheduledState(graph, "gumbel", { initial: 1, scheduled: undefined });

Deno.test("gateRouter() adds tau times Gumbel noise to the logits, tau constant or scheduled", async () => {
  const quiet = await logitsAt("train", () => 0);
  const constant = await logitsAt("train", () => 0.375);
  const moved = await logitsAt("train", scheduled);
  NOISE.forEach((draw, i) => {
    for (const logits of [constant, moved]) {
      const error = Math.abs(logits[i] - quiet[i] - 0.375 * draw);
      assert(error <= 1e-5, `logit ${i} is off by ${error}`);
    }
  });
});

Deno.test("gateRouter() has no noise outside training, whatever the temperature's state says", async () => {
  const quiet = await logitsAt("train", () => 0);
  for (const purpose of ["evaluate", "stream"] as const) {
    assertEquals(await logitsAt(purpose, scheduled), quiet);
  }
});
