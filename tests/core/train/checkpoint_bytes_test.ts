import { assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import { checkpointFromBytes, checkpointToBytes } from "../../../core/train/checkpoint_bytes.ts";

const ORIGIN = { planDigest: "abc", engine: "webgpu/gpu/adapter", leaks: true };
/** Values whose bits are easily lost: both zeros, the smallest and largest numbers, NaN, infinity. */
const STATE = {
  step: 7,
  param: Float32Array.of(1, -0, 0, 1.401298464324817e-45),
  m: Float32Array.of(3.4028234663852886e38, -Infinity, NaN, 0.1),
  v: Float32Array.of(1, 2, 3, 4),
  state: Float32Array.of(-0.5, NaN),
};

function bitsOf({ buffer }: Float32Array): readonly number[] {
  return [...new Uint32Array(buffer)];
}

Deno.test("checkpointFromBytes() gives back what checkpointToBytes() was given, bit by bit", () => {
  const bytes = checkpointToBytes(STATE, ORIGIN);
  // Read at an odd offset too: a file's bytes need not be aligned.
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  for (const view of [bytes, shifted.subarray(1)]) {
    const back = checkpointFromBytes(view, ORIGIN)!;
    assertEquals(back.step, 7);
    for (const arena of ["param", "m", "v", "state"] as const) {
      assertEquals(bitsOf(back[arena]), bitsOf(STATE[arena]));
    }
  }
});

Deno.test("checkpointToBytes() is one line of JSON, then param, m, v, state as little-endian f32", () => {
  const bytes = checkpointToBytes(STATE, ORIGIN);
  const end = bytes.indexOf(0x0a);
  assertEquals(JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))), {
    ...ORIGIN,
    step: 7,
    lengths: [4, 4, 4, 2],
  });
  assertEquals(bytes.length, end + 1 + 4 * 14);
  assertEquals([...bytes.subarray(end + 1, end + 9)], [0, 0, 0x80, 0x3f, 0, 0, 0, 0x80]); // 1, -0
});

Deno.test("checkpointFromBytes() refuses to continue another plan or engine", () => {
  const bytes = checkpointToBytes(STATE, ORIGIN);
  assertEquals(checkpointFromBytes(bytes, { ...ORIGIN, planDigest: "abd" }), undefined);
  assertEquals(checkpointFromBytes(bytes, { ...ORIGIN, engine: "reference" }), undefined);
});

Deno.test("checkpointFromBytes() names bytes that are no checkpoint", () => {
  const bytes = checkpointToBytes(STATE, ORIGIN);
  const text = new TextEncoder().encode("no checkpoint\n");
  for (const wrong of [bytes.subarray(0, -1), new Uint8Array(), bytes.subarray(0, 10), text]) {
    assertThrows(
      () => checkpointFromBytes(wrong, ORIGIN),
      StoreError,
      `Cannot read a checkpoint of ${wrong.length} bytes`,
    );
  }
});
