/** When each tensor's bytes must hold, and where they lie so that no two living tensors overlap. */
import { ALIGNMENT } from "./plan.ts";

/** A request for `bytes` bytes from step `born` to step `dies`, inclusive. */
export interface Lifetime {
  readonly bytes: number;
  readonly born: number;
  readonly dies: number;
}

export interface Placement {
  readonly offsets: readonly number[];
  readonly bytes: number;
}

/**
 * Greedy placement by size: the largest request first, each at the lowest aligned offset that is free
 * during its life. With `share: false` every request gets memory of its own, which is how a plan is checked
 * against mistaken lifetimes.
 *
 * Source: Pisarchyk and Lee, "Efficient memory management for deep neural net inference" (2020), section 4.
 */
export function place(
  requests: readonly Lifetime[],
  options: { readonly share: boolean },
): Placement {
  const offsets = new Array<number>(requests.length).fill(0);
  const order = requests.map((_, index) => index)
    .sort((a, b) => requests[b].bytes - requests[a].bytes || a - b);
  const placed: number[] = [];
  let bytes = 0;
  for (const index of order) {
    const request = requests[index];
    const rivals = placed
      .filter((other) => !options.share || overlap(requests[other], request))
      .sort((a, b) => offsets[a] - offsets[b]);
    let offset = 0;
    for (const other of rivals) {
      if (offset + request.bytes <= offsets[other]) break;
      offset = Math.max(offset, align(offsets[other] + requests[other].bytes));
    }
    offsets[index] = offset;
    placed.push(index);
    bytes = Math.max(bytes, align(offset + request.bytes));
  }
  return { offsets, bytes };
}

function overlap(a: Lifetime, b: Lifetime): boolean {
  return a.born <= b.dies && b.born <= a.dies;
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
