import { assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { requireFinite } from "../../../core/stats/require_finite.ts";

Deno.test("requireFinite() accepts, every finite f64", () => {
  requireFinite(Object.freeze([0, -0, Number.MAX_VALUE, -Number.MIN_VALUE]), "losses");
});

Deno.test("requireFinite() names sample, index and value, NaN and infinities", () => {
  for (const bad of [NaN, Infinity, -Infinity]) {
    assertThrows(
      () => requireFinite([1, bad, NaN], "losses"),
      NumericError,
      `at losses[1]: expected a finite number, got "${bad}"`,
    );
  }
});

Deno.test("requireFinite() throws, empty sample", () => {
  assertThrows(() => requireFinite([], "losses"), UsageError, '"losses"');
});
