import { BYTES_PER_ELEMENT, sizeOf } from "../graph/shape.ts";
import type { InitialLaw } from "../graph/tensor.ts";
import type { Plan } from "../plan/plan.ts";
import { normal } from "../random/normal.ts";
import { type Stream, stream } from "../random/streams.ts";

/**
 * The arena `param` at the start of a run. Every parameter draws from its own stream "init/<name>", so the
 * same name, shape and seed give the same bytes in any model and on any backend. docs/mathematics.md §9.
 */
export function initialParameters(plan: Plan, seed: number): Float32Array {
  const arena = new Float32Array(plan.arenaBytes.param / BYTES_PER_ELEMENT);
  for (const { name, tensor, initial } of plan.parameters) {
    const { byteOffset, type } = plan.tensors[tensor];
    const first = byteOffset / BYTES_PER_ELEMENT;
    const from = stream(seed, `init/${name}`);
    for (let index = 0; index < sizeOf(type.shape); index++) {
      arena[first + index] = initialValue(initial, { from, index });
    }
  }
  return arena;
}

/** The arena `state` before the first step. */
export function initialStates(plan: Plan): Float32Array {
  const arena = new Float32Array(plan.arenaBytes.state / BYTES_PER_ELEMENT);
  for (const { tensor, initial } of plan.states) {
    const { byteOffset, type } = plan.tensors[tensor];
    const first = byteOffset / BYTES_PER_ELEMENT;
    arena.fill(initial, first, first + sizeOf(type.shape));
  }
  return arena;
}

function initialValue(
  law: InitialLaw,
  { from, index }: { readonly from: Stream; readonly index: number },
): number {
  switch (law.kind) {
    case "normal":
      return law.standardDeviation * normal(from, { step: 0, index });
    case "constant":
      return law.value;
    case "values":
      return law.values[index];
  }
}
