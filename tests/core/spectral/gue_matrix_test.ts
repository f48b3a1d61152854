import { assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { gueMatrix } from "../../../core/spectral/gue_matrix.ts";
import { symmetricEigenvalues } from "../../../core/spectral/symmetric_eigenvalues.ts";
import { assertClose } from "../stats/_assert_close.ts";

Deno.test("gueMatrix() has the moments of its laws, 4000 draws of order 4", () => {
  const draws = Array.from({ length: 4000 }, (_, seed) => gueMatrix(4, { seed }));
  const mean = (of: (draw: (typeof draws)[number]) => number): number =>
    draws.reduce((sum, draw) => sum + of(draw), 0) / draws.length;
  const error = 4 / Math.sqrt(draws.length); // four standard errors of a unit variance
  assertClose(["mean of a", mean((h) => 2 * h.diagonal[2])], 0, { relative: 0, absolute: error });
  assertClose(["mean of a^2", mean((h) => 4 * h.diagonal[1] ** 2)], 1, {
    relative: 0,
    absolute: error * Math.SQRT2,
  });
  for (const k of [0, 1, 2]) {
    const shape = 3 - k; // b^2 is a gamma variable of this shape: mean and variance equal it
    assertClose([`mean of b^2 at ${k}`, mean((h) => 4 * h.upper[k] ** 2)], shape, {
      relative: 0,
      absolute: error * Math.sqrt(shape),
    });
    // E (b^2)^2 = shape (shape + 1); its variance follows from E (b^2)^4 = shape (shape+1) (shape+2) (shape+3).
    const second = shape * (shape + 1);
    const spread = Math.sqrt(second * (shape + 2) * (shape + 3) - second ** 2);
    assertClose([`mean of b^4 at ${k}`, mean((h) => 16 * h.upper[k] ** 4)], second, {
      relative: 0,
      absolute: error * spread,
    });
  }
  // Where a rejection that accepts too much shows first: of shape 1, an exponential law, a share of 1 - exp(-x)
  // is below x.
  for (const x of [0.003, 0.01]) {
    const share = draws.filter((h) => 4 * h.upper[2] ** 2 < x).length / draws.length;
    const want = 1 - Math.exp(-x);
    const spread = Math.sqrt(want * (1 - want));
    assertClose([`share below ${x}`, share], want, { relative: 0, absolute: error * spread });
  }
});

Deno.test("gueMatrix() fills Wigner's semicircle on [-2, 2], order 600", () => {
  const levels = symmetricEigenvalues(gueMatrix(600, { seed: 2 }), { tolerance: 1e-9 });
  for (const [k, x] of [[0, -2], [299, 0], [599, 2]]) {
    assertClose([`level ${k}`, levels[k]], x, { relative: 0, absolute: 0.06 });
  }
  // The semicircle's distribution at 1: 1/2 + (sqrt(3)/2 + 2 asin(1/2)) / (2 pi)
  const share = levels.filter((level) => level < 1).length / 600;
  const want = 0.5 + (Math.sqrt(3) / 2 + Math.PI / 3) / (2 * Math.PI);
  assertClose(["share below 1", share], want, { relative: 0, absolute: 0.01 });
});

Deno.test("gueMatrix() throws, order or seed that is none", () => {
  assertThrows(() => gueMatrix(0, { seed: 1 }), UsageError, "order");
  assertThrows(() => gueMatrix(2, { seed: -1 }), RangeError, "seed");
});
