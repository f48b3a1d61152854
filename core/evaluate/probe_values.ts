/** Values of a probed tensor by what its indices count. */
import type { Probe, ProbeAxis } from "../graph/tensor.ts";

/** Indices by axis; an axis that is left out is at 0. */
export type ProbeIndex = Partial<Readonly<Record<ProbeAxis, number>>>;

/** A probed tensor that was read back. */
export interface ProbeValues {
  /** Size of an axis; 1 for one that the tensor lacks. */
  readonly size: (axis: ProbeAxis) => number;
  readonly has: (axis: ProbeAxis) => boolean;
  /** The value at an index; axes of size 1 hold it for all. */
  readonly at: (index: ProbeIndex) => number;
}

/** Pairs a tensor's values, row-major, with its axes. */
export function probeValues({ tensor, axes }: Probe, values: ArrayLike<number>): ProbeValues {
  const { shape } = tensor.type;
  const strides = shape.map((_, k) => shape.slice(k + 1).reduce((size, n) => size * n, 1));
  const size = (axis: ProbeAxis): number => axes.includes(axis) ? shape[axes.indexOf(axis)] : 1;
  return {
    size,
    has: (axis) => axes.includes(axis),
    at: (index) =>
      values[
        axes.reduce(
          (offset, axis, k) => offset + (shape[k] === 1 ? 0 : index[axis] ?? 0) * strides[k],
          0,
        )
      ],
  };
}
