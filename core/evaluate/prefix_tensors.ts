import type { Shape } from "../graph/shape.ts";
import type { Plan } from "../plan/plan.ts";
import type { ModelTensors, NamedValues } from "../train/model_tensors.ts";

/**
 * A model's values for a plan of fewer positions: of a parameter with a value per position, or per pair of
 * neighbours, the first ones. All others are passed on as they are; whether they fit is for the plan's arenas to say.
 */
export function prefixTensors(
  { parameters, states }: ModelTensors,
  { plan, from, to }: { readonly plan: Plan; readonly from: number; readonly to: number },
): ModelTensors {
  const shapes = new Map<string, Shape>(
    plan.parameters.map(({ name, tensor }) => [name, plan.tensors[tensor].type.shape]),
  );
  const cut = [...parameters].map(([name, saved]) => {
    const shape = shapes.get(name);
    const axis = shape === undefined ? -1 : positionAxis(saved.shape, { shape, from, to });
    return [name, axis < 0 ? saved : firstOf(saved, { axis, count: shape![axis] })] as const;
  });
  return { parameters: new Map(cut), states };
}

/** The one axis on which two shapes differ, if it has a value per position or pair of neighbours in both; else -1. */
function positionAxis(saved: Shape, { shape, from, to }: {
  readonly shape: Shape;
  readonly from: number;
  readonly to: number;
}): number {
  if (saved.length !== shape.length || to > from) return -1;
  const different = saved.flatMap((size, axis) => size === shape[axis] ? [] : [axis]);
  const [axis] = different;
  if (different.length !== 1) return -1;
  return [0, 1].some((less) => saved[axis] === from - less && shape[axis] === to - less)
    ? axis
    : -1;
}

/** The first `count` entries along an axis. */
function firstOf(
  { shape, values }: NamedValues,
  { axis, count }: { readonly axis: number; readonly count: number },
): NamedValues {
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  const outer = shape.slice(0, axis).reduce((product, size) => product * size, 1);
  const kept = new Float32Array(outer * count * inner);
  for (let row = 0; row < outer; row++) {
    const first = row * shape[axis] * inner;
    kept.set(values.subarray(first, first + count * inner), row * count * inner);
  }
  return { shape: shape.with(axis, count), values: kept };
}
