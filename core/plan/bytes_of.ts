import { BYTES_PER_ELEMENT, sizeOf, type TensorType } from "../graph/shape.ts";

/** Bytes of a tensor in memory: whole multiples of 16, and 16 for one without elements. */
export function bytesOf(type: TensorType): number {
  return Math.max(16, Math.ceil((sizeOf(type.shape) * BYTES_PER_ELEMENT) / 16) * 16);
}
