import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import {
  countEigenvaluesBelow,
  symmetricEigenvalues,
} from "../../../core/spectral/symmetric_eigenvalues.ts";
import { latticeHamiltonian, tridiagonal } from "../../../core/spectral/tridiagonal.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertClose } from "../stats/_assert_close.ts";

Deno.test("symmetricEigenvalues() agree with LAPACK, one site, zero diagonal, a cut bond", () => {
  for (const { eigenvalues, ...parts } of golden.eigenvalues) {
    const actual = symmetricEigenvalues(tridiagonal(parts));
    assertEquals(actual.length, eigenvalues.length);
    eigenvalues.forEach((want, k) =>
      assertClose([`level ${k}`, actual[k]], want, { relative: 0, absolute: 1e-13 })
    );
  }
});

Deno.test("symmetricEigenvalues() are -2 + 2 cos(pi k / (N + 1)), free lattice of 501 sites", () => {
  const actual = symmetricEigenvalues(latticeHamiltonian(new Float64Array(501)));
  actual.forEach((value, k) => {
    const want = -2 + 2 * Math.cos(Math.PI * (501 - k) / 502);
    assertClose([`level ${k}`, value], want, { relative: 0, absolute: 1e-13 });
  });
});

Deno.test("symmetricEigenvalues() gives a range of them, and multiple ones", () => {
  const h = latticeHamiltonian(Float64Array.from({ length: 37 }, (_, n) => Math.sin(n * n)));
  const all = symmetricEigenvalues(h);
  symmetricEigenvalues(h, { first: 11, end: 20 }).forEach((value, k) =>
    assertClose([`level ${k + 11}`, value], all[k + 11], { relative: 0, absolute: 1e-13 })
  );
  assertEquals(symmetricEigenvalues(h, { first: 5, end: 5 }).length, 0);
  const apart = tridiagonal({ diagonal: [2, 2, 2, 5], upper: [0, 0, 0], lower: [0, 0, 0] });
  [2, 2, 2, 5].forEach((want, k) =>
    assertClose([`level ${k}`, symmetricEigenvalues(apart)[k]], want, { relative: 1e-14 })
  );
});

Deno.test("symmetricEigenvalues() gets the last bit, tolerance 0", () => {
  const [low, high] = symmetricEigenvalues(latticeHamiltonian([2, 2]), { tolerance: 0 });
  assertClose(["low", low], -1, { relative: 1e-15 });
  assertClose(["high", high], 1, { relative: 1e-15 });
});

Deno.test("countEigenvaluesBelow() counts the computed levels, between each pair", () => {
  const h = latticeHamiltonian(Float64Array.from({ length: 50 }, (_, n) => 2 * Math.cos(n * n)));
  const levels = symmetricEigenvalues(h);
  for (let k = 0; k + 1 < 50; k++) {
    assertEquals(countEigenvaluesBelow(h, (levels[k] + levels[k + 1]) / 2), k + 1);
  }
  assertEquals([countEigenvaluesBelow(h, -100), countEigenvaluesBelow(h, 100)], [0, 50]);
});

Deno.test("countEigenvaluesBelow() passes a pivot of 0, x equal to a diagonal entry", () => {
  const h = tridiagonal({ diagonal: [0, 0, 0], upper: [1, 1], lower: [1, 1] });
  assert([1, 2].includes(countEigenvaluesBelow(h, 0))); // -sqrt(2), 0, sqrt(2): rounding decides at 0
  assertEquals(countEigenvaluesBelow(h, 1e-9), 2);
});

Deno.test("symmetricEigenvalues() throws, no such range", () => {
  const h = latticeHamiltonian([0, 0]);
  for (const range of [{ first: -1 }, { end: 3 }, { first: 2, end: 1 }, { first: 0.5 }]) {
    assertThrows(() => symmetricEigenvalues(h, range), UsageError, "inside 0..2");
  }
});
