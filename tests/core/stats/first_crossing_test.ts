import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { firstCrossing } from "../../../core/stats/first_crossing.ts";
import { assertClose } from "./_assert_close.ts";

function curve(...pairs: readonly (readonly [number, number])[]) {
  return pairs.map(([step, value]) => ({ step, value }));
}

Deno.test("firstCrossing() is linear between evaluations, by hand", () => {
  const points = curve([0, 5], [10, 4], [20, 2], [30, 1.5]);
  assertEquals(firstCrossing(points, { target: 4.5 }), 5); // half-way from 5 to 4
  assertEquals(firstCrossing(points, { target: 3 }), 15); // half-way from 4 to 2
  assertEquals(firstCrossing(points, { target: 3.5 }), 12.5); // a quarter of that way
  assertEquals(firstCrossing(points, { target: 4 }), 10); // on an evaluation
  assertEquals(firstCrossing(points, { target: 1.5 }), 30);
});

Deno.test("firstCrossing() agrees with NumPy, a measured curve", () => {
  // numpy 2.4.6: np.interp(-2.3645, [-2.394740, -2.365418, -2.338616], [180, 190, 200]) → 190.34251175285425
  const updates = firstCrossing(curve([180, 2.39474], [190, 2.365418], [200, 2.338616]), {
    target: 2.3645,
  });
  assertClose(["updates", updates!], 190.34251175285425, { relative: 1e-12 });
});

Deno.test("firstCrossing() takes the first of several crossings", () => {
  const points = curve([0, 5], [4, 3], [8, 5], [12, 1]);
  assertEquals(firstCrossing(points, { target: 4 }), 2);
});

Deno.test("firstCrossing() is null, never reached", () => {
  assertEquals(firstCrossing(curve([0, 5], [10, 4.000001]), { target: 4 }), null);
  assertEquals(firstCrossing(curve([0, 5], [10, NaN], [20, Infinity]), { target: 4 }), null);
  assertEquals(firstCrossing([], { target: 4 }), null);
});

Deno.test("firstCrossing() needs no line, a start at the target or a value before that is not finite", () => {
  assertEquals(firstCrossing(curve([0, 3], [10, 2]), { target: 3 }), 0);
  for (const before of [NaN, Infinity]) {
    assertEquals(firstCrossing(curve([0, 5], [10, before], [20, 3]), { target: 4 }), 20);
  }
});

Deno.test("firstCrossing() throws, a target that is not finite or steps out of order", () => {
  assertThrows(() => firstCrossing(curve([0, 5]), { target: NaN }), UsageError, 'got "NaN"');
  assertThrows(
    () => firstCrossing(curve([0, 5], [10, 4], [10, 3]), { target: 3 }),
    UsageError,
    "at points[2]: expected a step above 10, got 10",
  );
});
