/** A program of one launch, for tests of the device around it. */
import { f32 } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { scale } from "../../../core/ops/scale.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import type { Plan } from "../../../core/plan/plan.ts";

export const COUNT = 67;

/** Input x (67), output y = 2 x, or `factor` x, which is another kernel. */
export function doublingPlan(factor = 2): Plan {
  const graph = new Graph();
  graph.output("y", scale(graph.input("x", f32(COUNT)), factor));
  return compilePlan(graph);
}

export function someValues(): Float32Array {
  return Float32Array.from({ length: COUNT }, (_, index) => index - 7);
}
