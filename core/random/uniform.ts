import { bits, type Position, type Stream } from "./streams.ts";

/** A number uniform on the open interval (0, 1): (k + 1/2) / 2^32 for the 32-bit word k. Exact in f64. */
export function uniform(from: Stream, at: Position): number {
  return (bits(from, at) + 0.5) / 4294967296;
}
