import { assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { type Arm, pairedDifferences } from "../../../core/stats/paired_differences.ts";

function arm(name: string, entries: readonly (readonly [number, number])[]): Arm {
  const values = entries.map(([seed, value]) => Object.freeze({ seed, value }));
  return Object.freeze({ name, values: Object.freeze(values) });
}

Deno.test("pairedDifferences() joins by seed, arms in different orders", () => {
  const a = arm("bk", [[100, 5], [9, 2], [42, 3]]);
  const b = arm("control", [[42, 1], [100, 1.5], [9, 4]]);
  assertEquals(pairedDifferences(a, b), {
    seeds: [9, 42, 100], // as numbers: text order would put 100 first
    valuesA: [2, 3, 5],
    valuesB: [4, 1, 1.5],
    differences: [-2, 2, 3.5],
  });
});

Deno.test("pairedDifferences() changes sign, arms exchanged", () => {
  const a = arm("a", [[1, 0.25], [2, 8]]);
  const b = arm("b", [[2, 1], [1, 1]]);
  const negated = pairedDifferences(a, b).differences.map((d) => -d);
  assertEquals(pairedDifferences(b, a).differences, negated);
});

Deno.test("pairedDifferences() names seeds and arm, a seed missing in either arm", () => {
  const full = arm("full", [[44, 1], [42, 1], [43, 1]]);
  const part = arm("part", [[42, 1]]);
  const message = 'got no value in "part" for seed 43, 44';
  assertThrows(() => pairedDifferences(full, part), UsageError, message);
  assertThrows(() => pairedDifferences(part, full), UsageError, message);
  // The same number of seeds, but not the same seeds.
  const other = arm("other", [[42, 1], [43, 1], [45, 1]]);
  assertThrows(() => pairedDifferences(full, other), UsageError, 'in "other" for seed 44');
});

Deno.test("pairedDifferences() throws, empty arm, repeated or fractional seed", () => {
  const good = arm("good", [[1, 1]]);
  assertThrows(() => pairedDifferences(good, arm("none", [])), UsageError, '"none"');
  assertThrows(() => pairedDifferences(arm("none", []), good), UsageError, '"none"');
  const twice = arm("twice", [[1, 1], [1, 1]]);
  assertThrows(() => pairedDifferences(good, twice), UsageError, "seed 1 twice");
  const half = arm("half", [[1.5, 1]]);
  assertThrows(() => pairedDifferences(half, half), UsageError, '"1.5"');
});

Deno.test("pairedDifferences() throws, a value or a difference that is not finite", () => {
  const good = arm("good", [[1, 1], [2, Number.MAX_VALUE]]);
  for (const bad of [NaN, Infinity, -Infinity]) {
    const diverged = arm("diverged", [[1, bad], [2, 1]]);
    const message = `arm "diverged" at seed 1: expected a finite value, got "${bad}"`;
    assertThrows(() => pairedDifferences(good, diverged), NumericError, message);
    assertThrows(() => pairedDifferences(diverged, good), NumericError, message);
  }
  const negative = arm("negative", [[1, 1], [2, -Number.MAX_VALUE]]);
  assertThrows(() => pairedDifferences(good, negative), NumericError, "at seed 2");
});
