import { assert, assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { hedgesDz } from "../../../core/stats/hedges_dz.ts";
import fromR from "../../golden/stats_r.json" with { type: "json" };
import fromScipy from "../../golden/stats_scipy.json" with { type: "json" };
import { assertClose } from "./_assert_close.ts";

const RTOL = 1e-13; // the oracles take exp of a difference of log-gammas

const upTo = (n: number) => Object.freeze(Array.from({ length: n }, (_, index) => index));

Deno.test("hedgesDz() agrees with SciPy and R, all golden pairs", () => {
  for (const { name, a, b, dz } of [...fromScipy.pairs, ...fromR.pairs]) {
    const actual = hedgesDz(Object.freeze(a.map((value, index) => value - b[index])));
    // A mean near 0 is a sum of rounded differences.
    assertClose([name, actual.dz], dz, { relative: RTOL, absolute: 1e-13 });
    assertClose([name, actual.dz], actual.correction * actual.uncorrected, { relative: 1e-15 });
  }
});

Deno.test("hedgesDz() uses n - 1 degrees of freedom in J, R's lgamma at 2 to 101", () => {
  for (const { m, value } of fromR.correction) {
    assertClose([`J(${m})`, hedgesDz(upTo(m + 1)).correction], value, { relative: RTOL });
  }
});

Deno.test("hedgesDz() gives J in closed form, m of 2, 3 and 4", () => {
  // Γ(1/2) = sqrt(pi): J(2) = 1/sqrt(pi), J(3) = sqrt(pi/2)/sqrt(3), J(4) = sqrt(2/pi)
  const closed = [1 / Math.sqrt(Math.PI), Math.sqrt(Math.PI / 6), Math.sqrt(2 / Math.PI)];
  closed.forEach((value, index) => {
    assertClose([`J(${index + 2})`, hedgesDz(upTo(index + 3)).correction], value, {
      relative: 1e-15,
    });
  });
});

Deno.test("hedgesDz() is odd and free of scale, same differences", () => {
  const differences = [0.5, -0.25, 1, 2];
  const { dz } = hedgesDz(differences);
  assertEquals(hedgesDz(differences.map((d) => -d)).dz, -dz);
  for (const exponent of [-1000, 1000]) {
    assertEquals(hedgesDz(differences.map((d) => d * 2 ** exponent)).dz, dz);
  }
  assert(dz > 0);
});

Deno.test("hedgesDz() throws, too few, constant or not finite", () => {
  assertThrows(() => hedgesDz([1, 2]), UsageError, "at least 3 differences, got 2");
  assertThrows(() => hedgesDz([0, 0, 0]), UsageError, "differences that vary");
  assertThrows(() => hedgesDz([0.3, 0.1 + 0.2, 0.3]), UsageError, "differences that vary");
  assertThrows(() => hedgesDz([1, NaN, 2]), NumericError, "differences[1]");
});
