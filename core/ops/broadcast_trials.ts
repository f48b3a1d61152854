/** Trials of an operation on two tensors with right-aligned broadcasting. */
import type { TrialInput } from "../graph/op.ts";
import { f32, type Shape } from "../graph/shape.ts";
import type { ElementwiseDefinition } from "./elementwise.ts";

/** Trials with second operands of a law: "positive" for one that is divided by. */
export function broadcastTrials(second: TrialInput["law"]): ElementwiseDefinition["trials"] {
  const trial = (
    name: string,
    [x, y]: readonly [Shape, Shape],
    first: TrialInput["law"] = "normal",
  ): ElementwiseDefinition["trials"][number] => ({
    name,
    inputs: [{ type: f32(...x), law: first }, { type: f32(...y), law: second }],
    tolerance: 2e-6,
    gradientTolerance: 1e-5,
  });
  return [
    trial("equal shapes of an awkward size", [[3, 43], [3, 43]], "awkward"),
    trial("a row and a column", [[64], [257, 1]]),
    trial("a channel in the middle", [[2, 5, 12], [5, 1]]),
    trial("a scalar", [[1, 9], []]),
  ];
}
