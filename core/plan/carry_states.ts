/** The end of a step: every state that has a next value takes it. */
import { HarnessError } from "../errors.ts";
import type { Graph } from "../graph/tensor.ts";
import { assign } from "../ops/assign.ts";
import { behindViews } from "./fuse.ts";

/**
 * Records the assignments behind everything else that was traced, so that a state has its old value for
 * every reader, gradients included. Called once, by the planner.
 *
 * @throws {HarnessError} If a state is to take the value of another, or of a parameter, as it is, which may be
 *   overwritten before; or if such a state is an output, which is read when its old value is gone
 */
export function carryStates(graph: Graph): void {
  refuseCarriedOutputs(graph);
  for (const [state, next] of graph.nextStates) {
    const { source: { kind }, label } = behindViews(next).tensor;
    if (kind === "state" || kind === "parameter" || kind === "arena") {
      throw new HarnessError(
        `Cannot carry ${kind} "${label}" in "${state.label}": expected a value that the step computes`,
      );
    }
    assign(state, next);
  }
  graph.nextStates.clear();
}

function refuseCarriedOutputs(graph: Graph): void {
  for (const [label, tensor] of graph.outputs) {
    const { tensor: state } = behindViews(tensor);
    const next = graph.nextStates.get(state);
    if (!next) continue;
    throw new HarnessError(
      `Cannot read state "${state.label}" as output "${label}": outputs are read after the step, and it is "${next.label}" ` +
        "then; output that value, or a copy of the old one",
    );
  }
}
