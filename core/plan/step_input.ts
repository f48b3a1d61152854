import { ShapeError } from "../errors.ts";
import { sizeOf } from "../graph/shape.ts";
import type { StepInput } from "./backend.ts";
import type { PlacedTensor, Plan } from "./plan.ts";

/** One input of a step with its place. */
export interface PlacedInput {
  readonly tensor: PlacedTensor;
  readonly values: Float32Array | Int32Array;
}

/**
 * Matches the values given for a step with the plan's inputs.
 *
 * @throws {ShapeError} If an input is missing, unknown, of another size or of another element type
 */
export function placeInputs(plan: Plan, given: StepInput): readonly PlacedInput[] {
  const unknown = Object.keys(given).find((name) => !plan.inputs.has(name));
  if (unknown !== undefined) {
    const known = [...plan.inputs.keys()].join(", ");
    throw new ShapeError(`Cannot run a step: unknown input "${unknown}", the plan has ${known}`);
  }
  return [...plan.inputs].map(([name, index]) => {
    const tensor = plan.tensors[index];
    const values = given[name];
    if (!values) throw new ShapeError(`Cannot run a step: input "${name}" is missing`);
    const isInteger = values instanceof Int32Array;
    if (
      values.length !== sizeOf(tensor.type.shape) || isInteger !== (tensor.type.dtype === "i32")
    ) {
      throw new ShapeError(
        `Cannot run a step: input "${name}" expects ${
          sizeOf(tensor.type.shape)
        } ${tensor.type.dtype} values, ` +
          `got ${values.length} in a ${values.constructor.name}`,
      );
    }
    return { tensor, values };
  });
}
