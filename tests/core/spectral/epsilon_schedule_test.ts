import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { epsilonSchedule } from "../../../core/spectral/epsilon_schedule.ts";
import { assertClose } from "../stats/_assert_close.ts";

const KINDS = ["linear", "cosine", "exponential"] as const;

Deno.test("epsilonSchedule() goes from 1 to 0.5 over 10000 steps and stays, every kind", () => {
  for (const kind of KINDS) {
    const epsilon = epsilonSchedule({ kind });
    assertEquals([epsilon(0), epsilon(10000), epsilon(1e9)], [1, 0.5, 0.5]);
    for (let step = 0; step < 10000; step += 500) assert(epsilon(step) > epsilon(step + 500), kind);
  }
});

Deno.test("epsilonSchedule() at a quarter of the way, by hand", () => {
  // linear 1 - 0.5/4; cosine 0.5 + 0.25 (1 + sqrt(2)/2); exponential 2^(-1/4)
  const want = { linear: 0.875, cosine: 0.75 + Math.SQRT2 / 8, exponential: 2 ** -0.25 };
  for (const kind of KINDS) {
    const value = epsilonSchedule({ kind, steps: 400 })(100);
    assertClose([kind, value], want[kind], { relative: 1e-15 });
  }
});

Deno.test("epsilonSchedule() rises if the end is higher, and is a cosine by default", () => {
  assertEquals(epsilonSchedule({ start: 1, end: 3, kind: "linear", steps: 4 })(1), 1.5);
  assertEquals(epsilonSchedule()(700), epsilonSchedule({ kind: "cosine" })(700));
});

Deno.test("epsilonSchedule() throws, ends, steps or step outside their range", () => {
  for (const wrong of [{ start: 0 }, { end: -1 }, { end: NaN }, { steps: 0 }, { steps: 1.5 }]) {
    assertThrows(() => epsilonSchedule(wrong), UsageError, "schedule of epsilon");
  }
  assertThrows(() => epsilonSchedule()(-1), UsageError, "step");
  assertThrows(() => epsilonSchedule()(NaN), UsageError, "step");
});
