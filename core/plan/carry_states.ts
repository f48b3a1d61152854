/** The end of a step: every state that has a next value takes it. */
import { HarnessError } from "../errors.ts";
import type { Graph } from "../graph/tensor.ts";
import { assign } from "../ops/assign.ts";
import { behindViews } from "./fuse.ts";

/**
 * Records the assignments behind everything else that was traced, so that a state has its old value for
 * every reader, gradients included. Called once, by the planner.
 *
 * @throws {HarnessError} If a state is to take another's value as it is, which may be overwritten before
 */
export function carryStates(graph: Graph): void {
  for (const [state, next] of graph.nextStates) {
    if (behindViews(next).tensor.source.kind === "state") {
      throw new HarnessError(
        `Cannot carry state "${next.label}" in "${state.label}": expected a value that the step computes`,
      );
    }
    assign(state, next);
  }
  graph.nextStates.clear();
}
