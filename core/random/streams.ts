import { sha256Hex } from "./sha256.ts";
import { threefry2x32, type Words } from "./threefry.ts";

/**
 * A named sequence of random bits. A value depends on the seed, the name and its position alone,
 * so a new consumer shifts no older one and step 900 is reachable without running 899.
 */
export interface Stream {
  /** Which stream it is, "init/block0/w1". */
  readonly name: string;
  /** First 64 bits of SHA-256 over "seed/name". */
  readonly key: Words;
}

/** Where in a stream a value stands. Both are unsigned 32-bit integers. */
export interface Position {
  readonly step: number;
  readonly index: number;
}

/** The stream `name` of `seed`: its key is the first 64 bits of SHA-256 over "seed/name". */
export function stream(seed: number, name: string): Stream {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new RangeError(`Cannot make a stream: expected a seed in 0..4294967295, got ${seed}`);
  }
  const digest = sha256Hex(`${seed}/${name}`);
  return { name, key: [parseInt(digest.slice(0, 8), 16), parseInt(digest.slice(8, 16), 16)] };
}

/** The unsigned 32-bit word at a position of a stream. */
export function bits(from: Stream, at: Position): number {
  return threefry2x32(from.key, [at.step, at.index])[0];
}
