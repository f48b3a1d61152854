/** A model's values by name, so that plans of any batch shape and purpose can be filled with them. */
import { StoreError } from "../errors.ts";
import { BYTES_PER_ELEMENT, formatShape, sameShape, type Shape, sizeOf } from "../graph/shape.ts";
import type { Plan } from "../plan/plan.ts";
import { initialStates } from "./initial_parameters.ts";

/** Values of one tensor, row-major. */
export interface NamedValues {
  readonly shape: Shape;
  readonly values: Float32Array;
}

/** Trained tensors and those that a step leaves to the next, by their place in the model. */
export interface ModelTensors {
  readonly parameters: ReadonlyMap<string, NamedValues>;
  readonly states: ReadonlyMap<string, NamedValues>;
}

/** The values in a program's arenas, by name. */
export function modelTensors(
  plan: Plan,
  arenas: { readonly param: Float32Array; readonly state: Float32Array },
): ModelTensors {
  const from = (arena: Float32Array) =>
  (
    { name, tensor }: { readonly name: string; readonly tensor: number },
  ): readonly [string, NamedValues] => {
    const { first, shape } = placeOf(plan, tensor);
    return [name, { shape, values: arena.slice(first, first + sizeOf(shape)) }];
  };
  return {
    parameters: new Map(plan.parameters.map(from(arenas.param))),
    states: new Map(plan.states.map(from(arenas.state))),
  };
}

/**
 * The arena `param` of a plan with a model's values.
 *
 * @throws {StoreError} If the model lacks a parameter of the plan or has it in another shape, as one with a
 * value per position has at another length, or has one that the plan lacks
 */
export function parameterArena(plan: Plan, { parameters }: ModelTensors): Float32Array {
  const arena = new Float32Array(plan.arenaBytes.param / BYTES_PER_ELEMENT);
  for (const { name, tensor } of plan.parameters) {
    const saved = parameters.get(name);
    const { first, shape } = placeOf(plan, tensor);
    if (!saved) throw misfit(name, { expected: formatShape(shape), got: "none of this name" });
    arena.set(valuesOf(saved, { name, shape }), first);
  }
  const known = new Set(plan.parameters.map(({ name }) => name));
  for (const [name, { shape }] of parameters) {
    if (!known.has(name)) throw misfit(name, { expected: "none", got: formatShape(shape) });
  }
  return arena;
}

/**
 * The arena `state` of a plan with a model's values. States that the model does not have, a stream's memory
 * say, begin as at the first step.
 *
 * @throws {StoreError} If the model has a state in another shape
 */
export function stateArena(plan: Plan, { states }: ModelTensors): Float32Array {
  const arena = initialStates(plan);
  for (const { name, tensor } of plan.states) {
    const saved = states.get(name);
    const { first, shape } = placeOf(plan, tensor);
    if (saved) arena.set(valuesOf(saved, { name, shape }), first);
  }
  return arena;
}

function placeOf(
  plan: Plan,
  tensor: number,
): { readonly first: number; readonly shape: Shape } {
  const { byteOffset, type } = plan.tensors[tensor];
  return { first: byteOffset / BYTES_PER_ELEMENT, shape: type.shape };
}

function valuesOf(
  saved: NamedValues,
  { name, shape }: { readonly name: string; readonly shape: Shape },
): Float32Array {
  if (sameShape(saved.shape, shape)) return saved.values;
  throw misfit(name, { expected: formatShape(shape), got: formatShape(saved.shape) });
}

function misfit(
  name: string,
  { expected, got }: { readonly expected: string; readonly got: string },
): StoreError {
  return new StoreError(
    `Cannot use the saved model: at "${name}": expected ${expected}, got ${got}; use the settings and the ` +
      `length that it was trained with`,
  );
}
