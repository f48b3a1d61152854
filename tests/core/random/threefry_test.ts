import { assertEquals } from "@std/assert";
import { threefry2x32, type Words } from "../../../core/random/threefry.ts";

const ALL_ONES: Words = [0xffffffff, 0xffffffff];

// Random123 1.14, tests/kat_vectors, lines "threefry2x32 20": counter, key, result. The third is of the
// digits of pi.
const KNOWN: readonly (readonly [counter: Words, key: Words, result: Words])[] = [
  [[0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
  [ALL_ONES, ALL_ONES, [0x1cb996fc, 0xbb002be7]],
  [[0x243f6a88, 0x85a308d3], [0x13198a2e, 0x03707344], [0xc4923a9c, 0x483df7a0]],
];

Deno.test("threefry2x32() gives the known answers of Random123", () => {
  for (const [counter, key, result] of KNOWN) assertEquals(threefry2x32(key, counter), result);
});

Deno.test("threefry2x32() flips about half of all bits when one bit of key or counter flips", () => {
  let flipped = 0;
  let trials = 0;
  for (let bit = 0; bit < 128; bit++) {
    const at = [7, 11, 13, 17];
    const [a, b, c, d] = at;
    const changed = at.map((word, i) => i === bit >>> 5 ? (word ^ (1 << (bit & 31))) >>> 0 : word);
    const [x, y] = threefry2x32([a, b], [c, d]);
    const [u, v] = threefry2x32([changed[0], changed[1]], [changed[2], changed[3]]);
    for (const word of [x ^ u, y ^ v]) {
      flipped += (word >>> 0).toString(2).replaceAll("0", "").length;
      trials += 32;
    }
  }
  // 8192 fair coins: standard deviation 45; five of them.
  assertEquals(Math.abs(flipped - trials / 2) <= 226, true, `${flipped} of ${trials}`);
});
