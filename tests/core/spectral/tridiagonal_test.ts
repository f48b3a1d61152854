import { assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import {
  isSymmetric,
  latticeHamiltonian,
  multiplyShifted,
  requireSpectralPoint,
  transposed,
  tridiagonal,
} from "../../../core/spectral/tridiagonal.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertVectorClose, vectorOf } from "./_complex.ts";

Deno.test("multiplyShifted() agrees with a dense product, unequal bonds", () => {
  for (const { lambda, eta, x, product, ...parts } of golden.resolvents) {
    const actual = multiplyShifted(tridiagonal(parts), vectorOf(x), { lambda, eta });
    // Three products and three additions an entry.
    assertVectorClose([`N = ${parts.diagonal.length}`, actual], product, 1e-15);
  }
});

Deno.test("multiplyShifted() throws, vector of another size", () => {
  const h = latticeHamiltonian([0, 0]);
  const x = vectorOf({ re: [1, 2, 3], im: [1, 2, 3] });
  assertThrows(() => multiplyShifted(h, x, { lambda: 0, eta: 1 }), UsageError, "order 2");
});

Deno.test("tridiagonal() throws, sizes, signs and values", () => {
  const good = { diagonal: [1, 2], upper: [1], lower: [1] };
  assertEquals(tridiagonal(good).diagonal, Float64Array.of(1, 2));
  for (const wrong of [{ diagonal: [1] }, { diagonal: [] }, { upper: [] }, { lower: [1, 2] }]) {
    assertThrows(() => tridiagonal({ ...good, ...wrong }), UsageError, "expected diagonal (N)");
  }
  assertThrows(() => tridiagonal({ ...good, upper: [-1] }), UsageError, "product >= 0");
  assertThrows(() => tridiagonal({ ...good, diagonal: [1, NaN] }), NumericError, "diagonal[1]");
  assertThrows(() => tridiagonal({ ...good, lower: [Infinity] }), NumericError, "lower[0]");
});

Deno.test("tridiagonal() copies, argument changed afterwards", () => {
  const diagonal = Float64Array.of(1, 2);
  const h = tridiagonal({ diagonal, upper: [1], lower: [1] });
  diagonal[0] = 9;
  assertEquals(h.diagonal[0], 1);
});

Deno.test("isSymmetric() tells equal bonds from unequal ones, matrix and its transpose", () => {
  const h = tridiagonal({ diagonal: [1, 2], upper: [1], lower: [4] });
  assertEquals([isSymmetric(h), isSymmetric(latticeHamiltonian([1, 2]))], [false, true]);
  assertEquals(transposed(h).upper, h.lower);
  assertEquals(transposed(h).lower, h.upper);
});

Deno.test("requireSpectralPoint() throws, z on or below the real axis or not finite", () => {
  requireSpectralPoint({ lambda: -2, eta: 1e-300 });
  for (const eta of [0, -1, NaN, Infinity]) {
    assertThrows(() => requireSpectralPoint({ lambda: 0, eta }), UsageError, `"${eta}"`);
  }
  assertThrows(() => requireSpectralPoint({ lambda: NaN, eta: 1 }), UsageError, "finite lambda");
});
