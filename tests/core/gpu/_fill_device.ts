/**
 * Compiles programs of 1 GiB until the device refuses, then frees them and runs a small one.
 * Prints the error as JSON. out_of_memory_test.ts starts this, on software adapters with bounded memory.
 */
import { HarnessError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { fill } from "../../../core/ops/fill.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import type { Program } from "../../../core/plan/backend.ts";
import { doublingPlan, someValues } from "./_doubling.ts";

/** So many programs are more than any device holds. */
const MOST = 200;

/** Sixteen results of 64 MiB, all kept to the end. */
function largePlan() {
  const graph = new Graph();
  for (let index = 0; index < 16; index++) {
    graph.output(`y${index}`, fill(graph, { shape: [2 ** 24], value: index }));
  }
  return compilePlan(graph);
}

const backend = await webGpuBackend();
const plan = largePlan();
const programs: Program[] = [];
let refusal: HarnessError | undefined;
while (refusal === undefined && programs.length < MOST) {
  try {
    programs.push(await backend.compile(plan));
  } catch (error) {
    if (!(error instanceof HarnessError)) throw error;
    refusal = error;
  }
}
programs.forEach((program) => program.destroy());
// What was freed can be had again: the refusal left nothing behind.
const small = await backend.compile(doublingPlan());
small.step({ x: someValues() });
const [, second] = await small.read("y");
const again = await backend.compile(plan);
again.destroy();
backend.destroy();
const { name, message, exitCode } = refusal ?? {};
console.log(JSON.stringify({ programs: programs.length, name, message, exitCode, second }));
