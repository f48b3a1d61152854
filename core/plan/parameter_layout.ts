import { BYTES_PER_ELEMENT, type Shape, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { ALIGNMENT } from "./plan.ts";

/** Bytes a tensor occupies: whole alignment units for arenas whose gaps must stay zero. */
export function paddedBytes(shape: Shape): number {
  return Math.max(1, Math.ceil((sizeOf(shape) * BYTES_PER_ELEMENT) / ALIGNMENT)) * ALIGNMENT;
}

/** Where the parameters lie in the arenas param, grad, m and v. */
export interface ParameterLayout {
  readonly offsets: ReadonlyMap<Tensor, number>;
  /** Bytes of the whole arena. */
  readonly bytes: number;
  /** Parameters below this offset are subject to weight decay, the others are not. */
  readonly decayedBytes: number;
}

/** Decayed parameters first, then the others, each in order of declaration. */
export function layOutParameters(parameters: readonly Tensor[]): ParameterLayout {
  const offsets = new Map<Tensor, number>();
  let bytes = 0;
  let decayedBytes = 0;
  for (const decayed of [true, false]) {
    for (const tensor of parameters) {
      if (tensor.source.kind !== "parameter" || tensor.source.decay !== decayed) continue;
      offsets.set(tensor, bytes);
      bytes += paddedBytes(tensor.type.shape);
    }
    if (decayed) decayedBytes = bytes;
  }
  return { offsets, bytes, decayedBytes };
}
