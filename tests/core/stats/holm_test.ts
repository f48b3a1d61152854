import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { holm } from "../../../core/stats/holm.ts";
import golden from "../../golden/stats_r.json" with { type: "json" };
import { assertClose } from "./_assert_close.ts";
import { mulberry32 } from "./_random_sample.ts";

const RTOL = 1e-15;

Deno.test("holm() agrees with R's p.adjust, families with ties, ones and twenty members", () => {
  for (const { p, adjusted } of golden.holm) {
    const actual = holm(Object.freeze(p));
    assertEquals(actual.length, adjusted.length);
    adjusted.forEach((value, index) => {
      assertClose([`${p} [${index}]`, actual[index]], value, { relative: RTOL });
    });
  }
});

Deno.test("holm() gives 0.03, 0.04, 0.04, the textbook family", () => {
  const actual = holm([0.01, 0.02, 0.03]);
  [0.03, 0.04, 0.04].forEach((value, index) => {
    assertClose([`[${index}]`, actual[index]], value, { relative: RTOL });
  });
});

Deno.test("holm() is empty or unchanged, no or one hypothesis", () => {
  assertEquals(holm([]), []);
  assertEquals(holm([0.2]), [0.2]);
});

Deno.test("holm() keeps its invariants, 100 random families", () => {
  const next = mulberry32(3);
  for (let trial = 0; trial < 100; trial++) {
    const p = Object.freeze(
      Array.from({ length: 1 + Math.floor(next() * 12) }, () => Math.ceil(next() * 50) / 50),
    );
    const adjusted = holm(p);
    p.forEach((value, i) => {
      assert(adjusted[i] >= value && adjusted[i] <= 1, "between p and 1");
      assert(adjusted[i] <= Math.min(1, p.length * value), "never above Bonferroni");
      p.forEach((other, j) => assert(!(value <= other) || adjusted[i] <= adjusted[j], "monotone"));
    });
    assertEquals(holm([...p].reverse()), [...adjusted].reverse(), "permutation");
  }
});

Deno.test("holm() rejects what the step-down procedure rejects, every prefix of a family", () => {
  // Holm 1979: from the smallest p on, reject while p_(j) <= alpha / (m - j + 1).
  const ascending = [0.001, 0.0124, 0.0126, 0.02, 0.04, 0.3];
  for (const alpha of [0.01, 0.05, 0.0625, 0.2]) {
    const stop = ascending.findIndex((p, j) => !(p <= alpha / (ascending.length - j)));
    const rejected = holm(ascending).filter((p) => p <= alpha).length;
    assertEquals(rejected, stop, `alpha ${alpha}`);
  }
});

Deno.test("holm() throws, a number that is no p-value", () => {
  for (const bad of [0, -0.1, 1.0001, NaN]) {
    assertThrows(
      () => holm([0.5, bad]),
      UsageError,
      `pValues[1]: expected a number in (0, 1], got "${bad}"`,
    );
  }
});
