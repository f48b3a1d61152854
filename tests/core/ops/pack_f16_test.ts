/** Half precision on the adapter and in the definition, against numpy, V8 and every binary16 number there is. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import { webGpuBackend } from "../../../core/gpu/backend.ts";
import { f32, i32, sizeOf } from "../../../core/graph/shape.ts";
import { Graph } from "../../../core/graph/tensor.ts";
import { halfBits, halfValue } from "../../../core/ops/half_bits.ts";
import { halfLaunches } from "../../../core/ops/half_launches.ts";
import { op as pack, packF16 } from "../../../core/ops/pack_f16.ts";
import { softmax } from "../../../core/ops/softmax.ts";
import { sum } from "../../../core/ops/sum.ts";
import { op as unpack, unpackF16 } from "../../../core/ops/unpack_f16.ts";
import { compilePlan } from "../../../core/plan/compile_plan.ts";
import { bits, stream } from "../../../core/random/streams.ts";
import { runOp } from "./_run_op.ts";

const backend = await webGpuBackend();
globalThis.addEventListener("unload", () => backend.destroy());

/** The halves of f32 numbers, packed by the adapter. */
async function packed(values: readonly number[]): Promise<readonly number[]> {
  const inputs = [{ type: f32(values.length), values }];
  const [words] = await runOp(backend, pack, { inputs, attributes: {} });
  return values.map((_, i) => i % 2 === 0 ? words[i >> 1] & 0xffff : words[i >> 1] >>> 16);
}

/** All numbers with the bits 0 to 65535, in order. */
async function unpackedAll(): Promise<readonly number[]> {
  const values = Array.from({ length: 32768 }, (_, j) => (2 * j) | ((2 * j + 1) << 16));
  const inputs = [{ type: i32(32768), values }];
  const [found] = await runOp(backend, unpack, { inputs, attributes: { shape: "65536" } });
  return found;
}

function f32FromBits(word: number): number {
  return new Float32Array(Uint32Array.of(word).buffer)[0];
}

// numpy 1.24: np.array(values, np.float32).astype(np.float16).view(np.uint16)
const VALUES = [
  ...[
    0,
    -0,
    1 / 3,
    -1 / 3,
    1 + 2 ** -11,
    1 + 3 * 2 ** -11,
    Math.PI,
    65504,
    65519.996,
    65520,
    -65520,
  ],
  ...[1e38, 6.1e-5, 2 ** -14, 2 ** -14 - 2 ** -26, 2 ** -24, 2 ** -25, 1.0000001 * 2 ** -25],
  ...[3 * 2 ** -25, -5.9e-6, 1e-45, Infinity, -Infinity, NaN, 1e-4, 0.1, -2047.5, 2049, 2051],
];
const NUMPY = [
  ...[
    0,
    32768,
    13653,
    46421,
    15360,
    15362,
    16968,
    31743,
    31743,
    31744,
    64512,
    31744,
    1023,
    1024,
    1024,
  ],
  ...[1, 0, 1, 2, 32867, 0, 31744, 64512, 32256, 1678, 11878, 59392, 26624, 26626],
];

Deno.test("pack_f16() gives numpy's halves", async () => {
  assertEquals(await packed(VALUES), NUMPY);
  assertEquals(VALUES.map((value) => halfBits(Math.fround(value))), NUMPY);
});

Deno.test("unpack_f16() gives all 65536 halves, which pack_f16() gives back", async () => {
  const all = await unpackedAll();
  // 2 ** e is exact and so are products with it: the definition again, with V8 as a third opinion.
  const want = Array.from({ length: 65536 }, (_, half) => halfValue(half));
  all.forEach((value, half) => assert(Object.is(value, want[half]), `half ${half}: got ${value}`));
  const again = await packed(all);
  again.forEach((half, k) => assertEquals(half, Number.isNaN(all[k]) ? 0x7e00 : k));
});

Deno.test("pack_f16() rounds to nearest, ties to even, between all neighbours", async () => {
  // Halves 0 to 0x7c00 ascend, infinity standing for 65536: the midpoint of two neighbours is a tie.
  const size = (half: number): number => half === 0x7c00 ? 65536 : halfValue(half);
  const lower = Array.from({ length: 0x7c00 }, (_, half) => half);
  const middles = lower.map((half) => (size(half) + size(half + 1)) / 2); // exact in f32
  assertEquals(middles, middles.map(Math.fround));
  const next = (x: number, step: number): number =>
    f32FromBits(new Uint32Array(Float32Array.of(x).buffer)[0] + step);
  const even = lower.map((half) => half + half % 2);
  assertEquals(await packed(middles), even);
  assertEquals(await packed(middles.map((x) => -x)), even.map((half) => half | 0x8000));
  assertEquals(await packed(middles.map((x) => next(x, -1))), lower);
  assertEquals(await packed(middles.map((x) => next(x, 1))), lower.map((half) => half + 1));
});

Deno.test("pack_f16() agrees with V8's own rounding on random bits of all exponents", async () => {
  const from = stream(3, "halves");
  const values = Array.from(
    { length: 100001 },
    (_, index) => f32FromBits(bits(from, { step: 0, index })),
  );
  const found = await packed(values);
  found.forEach((half, k) => {
    const want = Math.f16round(values[k]);
    assert(Object.is(halfValue(half), want), `${values[k]} gives ${half}, expected ${want}`);
    assert(Object.is(halfValue(halfBits(values[k])), want));
  });
});

Deno.test("pack_f16() writes 0 behind the last number, whatever memory held there", async () => {
  const graph = new Graph();
  const before = softmax(graph.input("before", f32(1, 1024))); // never 0
  graph.output("sum", sum(before, { axis: 1 }));
  const x = softmax(graph.input("x", f32(1, 67)));
  graph.output("words", packF16(x));
  graph.output("x", x);
  const plan = compilePlan(graph);
  const placeOf = (size: number) =>
    plan.tensors.find((t) => sizeOf(t.type.shape) === size && t.arena === "activation");
  assertEquals(placeOf(67)?.byteOffset, placeOf(1024)?.byteOffset);
  const program = await backend.compile(plan);
  program.step({ before: new Float32Array(1024).fill(1), x: new Float32Array(67).fill(1) });
  assertEquals((await program.read("words"))[33], halfBits(Math.fround(1 / 67)));
  program.destroy();
});

Deno.test("halfLaunches() cuts what one binding cannot hold, without a gap", () => {
  const conversion = { source: "", shader: "pack_f16", size: 1000, bytesRead: 4, bytesWritten: 2 };
  const parts = halfLaunches(conversion, { perLaunch: 384 });
  assertEquals(parts.map(({ overrides }) => [overrides.SIZE, overrides.COUNT]), [
    [384, 48],
    [384, 48],
    [232, 29],
  ]);
  const ranges = (k: number) => parts.map(({ bindings }) => bindings[k]);
  assertEquals(ranges(0).map((b) => [b.byteOffset, b.byteLength]), [
    [0, 1536],
    [1536, 1536],
    [3072, undefined],
  ]);
  assertEquals(ranges(1).map((b) => [b.byteOffset, b.byteLength]), [
    [0, 768],
    [768, 768],
    [1536, undefined],
  ]);
});

Deno.test("packF16() and unpackF16() refuse what does not fit", () => {
  const graph = new Graph();
  const ids = graph.input("ids", i32(4));
  assertThrows(() => packF16(ids), ShapeError, "Cannot pack (4) i32: expected f32");
  assertThrows(() => unpackF16(ids, [9]), ShapeError, "expected (5) i32");
  assertEquals(unpackF16(ids, [7]).type, f32(7));
});
