import { assertEquals, assertStringIncludes } from "@std/assert";
import { feasibility } from "../../../core/experiment/feasibility.ts";

Deno.test("feasibility() gives the floor 2/2^n of the exact sign-flip test", () => {
  // R 4.2.2: 2 / 2^c(1, 5, 6, 8) gives 1.0000000 0.0625000 0.0312500 0.0078125
  const floors = [1, 5, 6, 8].map((seeds) => feasibility({ seeds, tests: 1, alpha: 0.05 }).floor);
  assertEquals(floors, [1, 0.0625, 0.03125, 0.0078125]);
});

Deno.test("feasibility() gives the smallest p after Holm's adjustment", () => {
  // R 4.2.2: max(p.adjust(rep(2 / 2^8, m), "holm")) for m = 1, 3, 6, 7, 200
  const adjusted = [1, 3, 6, 7, 200]
    .map((tests) => feasibility({ seeds: 8, tests, alpha: 0.05 }));
  assertEquals(adjusted.map((f) => f.smallestAdjusted), [
    0.0078125,
    0.0234375,
    0.046875,
    0.0546875,
    1,
  ]);
  assertEquals(adjusted.map((f) => f.feasible), [true, true, true, false, false]);
});

Deno.test("feasibility() says how many seeds it takes where significance is out of reach", () => {
  const { feasible, message } = feasibility({ seeds: 5, tests: 1, alpha: 0.05 });
  assertEquals(feasible, false);
  assertStringIncludes(message, "out of reach, it takes at least 6 seeds");
  assertEquals(feasibility({ seeds: 6, tests: 1, alpha: 0.05 }).feasible, true);
});
