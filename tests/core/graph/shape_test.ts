import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShapeError } from "../../../core/errors.ts";
import {
  broadcastIndexing,
  broadcastShape,
  expectRank,
  expectShape,
  f32,
  formatShape,
  i32,
  type Indexing,
  type Shape,
  sizeOf,
} from "../../../core/graph/shape.ts";
import { bits, stream } from "../../../core/random/streams.ts";

const from = stream(1, "shapes");

/** A shape of rank 0 to 4 with sizes 0 to 3, ones most often. */
function randomShape(step: number): Shape {
  const word = (index: number): number => bits(from, { step, index });
  return Array.from(
    { length: word(0) % 5 },
    (_, axis) => [1, 2, 3, 1, 0, 2, 1, 3][word(axis + 1) % 8],
  );
}

/** NumPy's rule: prepend ones to the shorter shape, then each pair of sizes is equal or has a 1. */
function numpyShape(a: Shape, b: Shape): Shape | undefined {
  const rank = Math.max(a.length, b.length);
  const [x, y] = [a, b].map((shape) => [...Array(rank - shape.length).fill(1), ...shape]);
  if (x.some((n, axis) => n !== y[axis] && n !== 1 && y[axis] !== 1)) return undefined;
  return x.map((n, axis) => n === 1 ? y[axis] : n);
}

/** Flat index in `shape` of the element that broadcasting puts at flat index `i` of `to`. */
function numpyIndex(i: number, shape: Shape, to: Shape): number {
  let [rest, flat, stride] = [i, 0, 1];
  for (let back = 1; back <= to.length; back++) {
    const size = to[to.length - back];
    const own = shape[shape.length - back] ?? 1;
    if (own !== 1) flat += (rest % size) * stride;
    stride *= own;
    rest = Math.floor(rest / size);
  }
  return flat;
}

Deno.test("broadcastShape() follows NumPy's rule over 3000 random pairs", () => {
  let refused = 0;
  for (let step = 0; step < 3000; step++) {
    const [a, b] = [randomShape(2 * step), randomShape(2 * step + 1)];
    const want = numpyShape(a, b);
    if (want) {
      assertEquals(broadcastShape([a, b]), want);
      assertEquals(broadcastShape([b, a, [1]]), want.length > 0 ? want : [1]);
    } else {
      refused++;
      assertThrows(
        () => broadcastShape([a, b]),
        ShapeError,
        `${formatShape(a)} with ${formatShape(b)}`,
      );
    }
  }
  assert(refused > 300 && refused < 2700, `${refused} pairs refused`);
});

Deno.test("broadcastShape() names the axis and the sizes that disagree", () => {
  assertThrows(
    () => broadcastShape([[4, 3], [2, 1]]),
    ShapeError,
    "Cannot broadcast (4, 3) with (2, 1): sizes on axis 0 must agree or be 1, got 4 and 2",
  );
});

/** Whether floor(i / inner) mod size gives every element's right place. */
function fits({ inner, size }: Indexing, shape: Shape, to: Shape): boolean {
  return Array.from({ length: sizeOf(to) }).every((_, i) =>
    Math.floor(i / inner) % size === numpyIndex(i, shape, to)
  );
}

Deno.test("broadcastIndexing() reads the element that NumPy reads, or there is no such indexing", () => {
  let [read, refused] = [0, 0];
  for (let step = 0; step < 6000; step++) {
    const shape = randomShape(2 * step);
    const to = numpyShape(shape, randomShape(2 * step + 1));
    if (!to || sizeOf(to) === 0) continue;
    try {
      assert(
        fits(broadcastIndexing(shape, to), shape, to),
        `${formatShape(shape)} to ${formatShape(to)}`,
      );
      read++;
    } catch (error) {
      if (!(error instanceof ShapeError)) throw error;
      const size = sizeOf(shape);
      const inners = Array.from({ length: sizeOf(to) }, (_, i) => i + 1);
      assert(!inners.some((inner) => fits({ inner, size }, shape, to)), error.message);
      refused++;
    }
  }
  assert(read > 1000 && refused > 20, `${read} read, ${refused} refused`);
});

Deno.test("broadcastIndexing() says why it refuses sizes on both sides of a broadcast axis", () => {
  assertThrows(
    () => broadcastIndexing([2, 1, 3], [2, 5, 3]),
    ShapeError,
    "Cannot broadcast (2, 1, 3) to (2, 5, 3): its sizes other than 1 must be adjacent axes",
  );
});

Deno.test("sizeOf() is 1 for a scalar and 0 with a size 0", () => {
  assertEquals([[], [7], [2, 3, 5], [4, 0]].map(sizeOf), [1, 7, 30, 0]);
});

Deno.test("expectRank() and expectShape() quote what they got and what they expected", () => {
  expectRank("x", f32(2, 3), { rank: 2 });
  expectShape("x", i32(4), i32(4));
  const cases: readonly (readonly [() => void, string])[] = [
    [
      () => expectRank("x", f32(2), { rank: 2 }),
      "Cannot use (2) f32 as x: expected rank 2 and f32",
    ],
    [
      () => expectRank("ids", f32(2), { rank: 1, dtype: "i32" }),
      "Cannot use (2) f32 as ids: expected rank 1 and i32",
    ],
    [() => expectShape("y", f32(3), f32(4)), "Cannot use (3) f32 as y: expected (4) f32"],
    [() => expectShape("y", i32(4), f32(4)), "Cannot use (4) i32 as y: expected (4) f32"],
  ];
  for (const [body, message] of cases) assertThrows(body, ShapeError, message);
});
