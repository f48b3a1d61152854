/**
 * Threefry-2x32 with 20 rounds: a counter-based generator of adds, rotations and xors, so the same
 * bits come out on every platform, in TypeScript and in WGSL.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011),
 * section 4 and table 2. See docs/mathematics.md §9.
 */

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
/** Key-schedule parity constant of Threefish with 32-bit words. */
const PARITY = 0x1bd11bda;

/** Two unsigned 32-bit words. */
export type Words = readonly [number, number];

/** Encrypts `counter` under `key`. Both are pairs of unsigned 32-bit integers; so is the result. */
export function threefry2x32(key: Words, counter: Words): Words {
  const schedule = [key[0] >>> 0, key[1] >>> 0, (PARITY ^ key[0] ^ key[1]) >>> 0];
  let x0 = (counter[0] + schedule[0]) >>> 0;
  let x1 = (counter[1] + schedule[1]) >>> 0;
  for (let round = 0; round < 20; round++) {
    x0 = (x0 + x1) >>> 0;
    const r = ROTATIONS[round % 8];
    x1 = ((x1 << r) | (x1 >>> (32 - r))) >>> 0;
    x1 = (x1 ^ x0) >>> 0;
    if (round % 4 === 3) {
      const injection = (round + 1) / 4;
      x0 = (x0 + schedule[injection % 3]) >>> 0;
      x1 = (x1 + schedule[(injection + 1) % 3] + injection) >>> 0;
    }
  }
  return [x0, x1];
}
