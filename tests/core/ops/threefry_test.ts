/** Threefry on the adapter against published vectors, the TypeScript generator, and a uniform law. */
import { assert, assertEquals } from "@std/assert";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import type { Op } from "../../../core/graph/op.ts";
import { i32 } from "../../../core/graph/shape.ts";
import {
  op as words,
  streamPosition,
  type ThreefryAttributes,
} from "../../../core/ops/threefry.ts";
import { op as uniforms } from "../../../core/ops/threefry_uniform.ts";
import { bits, stream } from "../../../core/random/streams.ts";
import { runOp } from "./_run_op.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

async function draw(
  op: Op<ThreefryAttributes>,
  position: Iterable<number>,
  shape: string,
): Promise<readonly number[]> {
  const inputs = [{ type: i32(3), values: [...position] }];
  const [found] = await runOp(backend, op, { inputs, attributes: { shape } });
  return found;
}

Deno.test("threefry() gives the published words where their counter is within reach", async () => {
  // Random123 1.14, kat_vectors, threefry2x32 20: counter 0 0, key 0 0 -> 6b200159 99ba4efe.
  assertEquals(await draw(words, [0, 0, 0], "1"), [0x6b200159]);
});

Deno.test("threefry() has the bits of the TypeScript generator, which passes all published vectors", async () => {
  const from = stream(42, "dropout/block3");
  for (const step of [0, 1, 999, 0x7fffffff, 0xffffffff]) {
    const found = await draw(words, streamPosition(from, step), "65,67");
    assertEquals(found, found.map((_, index) => bits(from, { step, index }) | 0), `step ${step}`);
  }
});

Deno.test("threefry_uniform() takes the upper 23 bits and fills [0, 1) evenly", async () => {
  const from = stream(7, "uniform");
  const count = 100000;
  const found = await draw(uniforms, streamPosition(from, 5), `${count}`);
  assertEquals(
    found.slice(0, 100),
    Array.from({ length: 100 }, (_, index) => (bits(from, { step: 5, index }) >>> 9) / 2 ** 23),
  );
  assert(found.every((x) => x >= 0 && x < 1));
  // Kolmogorov-Smirnov: the largest gap exceeds 1.95 / sqrt(n) once in a thousand draws.
  const sorted = found.toSorted((a, b) => a - b);
  const gap = Math.max(...sorted.map((x, i) => Math.abs(x - (i + 0.5) / count)));
  assert(gap * Math.sqrt(count) < 1.95, `gap ${gap}`);
});
