import { assert, assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import {
  conjugateCommutator,
  mourreConstant,
  mourreEstimate,
} from "../../../core/spectral/mourre.ts";
import { latticeHamiltonian } from "../../../core/spectral/tridiagonal.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertClose } from "../stats/_assert_close.ts";

const INSIDE = { low: -2.5, high: -1.5 };

function entries(v: readonly number[]): number[][] {
  const { diagonal, first, second } = conjugateCommutator(latticeHamiltonian(v));
  const bands = [diagonal, first, second];
  return v.map((_, i) =>
    v.map((_, j) => Math.abs(i - j) > 2 ? 0 : bands[Math.abs(i - j)][Math.min(i, j)])
  );
}

Deno.test("conjugateCommutator() agrees with i(HA - AH) of full matrices, with and without potential", () => {
  for (const { v, commutator } of golden.commutators) {
    const actual = entries(v);
    commutator.forEach((row, i) =>
      row.forEach((want, j) => {
        assertClose([`(${i}, ${j})`, actual[i][j]], want, { relative: 0, absolute: 1e-12 });
      })
    );
  }
});

Deno.test("conjugateCommutator() is -(4 - (H0 + 2)^2)/2 in the interior, and not at the ends", () => {
  const [{ v, interior }] = golden.commutators;
  const actual = entries(v);
  const worst = (rows: readonly number[]): number =>
    Math.max(...rows.flatMap((i) => actual[i].map((got, j) => Math.abs(got - interior[i][j]))));
  const inside = worst(v.map((_, i) => i).slice(2, -2));
  if (!(inside <= 1e-12)) throw new Error(`interior is off by ${inside}`);
  assert(worst([0]) > 0.1 && worst([v.length - 1]) > 0.1);
});

Deno.test("mourreConstant() is the least of (4 - (E + 2)^2)/2, scanned windows", () => {
  for (const [low, high] of [[-3, -1], [-2.5, -1.9], [-3.9, -3], [-1, 0.5], [-2, -2], [-5, -4.5]]) {
    let least = Infinity;
    for (let k = 0; k <= 1000; k++) {
      least = Math.min(least, (4 - (low + (high - low) * k / 1000 + 2) ** 2) / 2);
    }
    assertClose([`[${low}, ${high}]`, mourreConstant({ low, high })], least, {
      relative: 0,
      absolute: 1e-14,
    });
  }
  assert(mourreConstant({ low: -3.9, high: -0.1 }) > 0);
  assertEquals(mourreConstant({ low: -4, high: -2 }), 0);
  assert(mourreConstant({ low: -0.5, high: 0.5 }) < 0);
});

Deno.test("mourreEstimate() measures i[V, A] like the dense norm, random potential", () => {
  const [, { v, potential_norm }] = golden.commutators;
  const { commutatorNorm, margin, constant, windowLoss } = mourreEstimate(v, { window: INSIDE });
  assertClose(["norm", commutatorNorm], potential_norm, { relative: 1e-12 });
  assertEquals(margin, constant - windowLoss - commutatorNorm);
});

Deno.test("mourreEstimate() verifies, free lattice and a weak smooth potential", () => {
  assertEquals(mourreEstimate(new Float64Array(256), { window: INSIDE }).verified, true);
  // n |dV| <= 0.1: V = 0.1 / (1 + |n - n0| / 32)
  const smooth = Float64Array.from({ length: 256 }, (_, n) => 0.1 / (1 + Math.abs(n - 127.5) / 32));
  const { verified, margin } = mourreEstimate(smooth, { window: INSIDE });
  assert(verified && margin > 1, `margin ${margin}`);
});

Deno.test("mourreEstimate() does not verify, n |V_n - V_{n+1}| grows with N", () => {
  const margins = [64, 256, 1024].map((n) => {
    const rough = Float64Array.from({ length: n }, (_, k) => 0.05 * (-1) ** k);
    const { verified, margin } = mourreEstimate(rough, { window: INSIDE });
    assertEquals([n, verified], [n, false]);
    return margin;
  });
  assert(margins[0] > margins[1] && margins[1] > margins[2], `margins ${margins}`);
});

Deno.test("mourreEstimate() does not verify, window at the band's edge or strong potential", () => {
  const free = new Float64Array(64);
  assert(!mourreEstimate(free, { window: { low: -0.5, high: 0.5 } }).verified);
  // A constant potential commutes with A but moves the band: (4 - (0.5 + 3)^2)/2 = -4.125.
  const shifted = mourreEstimate(free.map(() => 3), { window: INSIDE });
  assertEquals([shifted.verified, shifted.margin], [false, -4.125]);
});

Deno.test("mourreEstimate() throws, no or bad values or window", () => {
  assertThrows(() => mourreEstimate([], { window: INSIDE }), UsageError, "no value");
  assertThrows(() => mourreEstimate([0, NaN], { window: INSIDE }), NumericError, "v[1]");
  assertThrows(() => mourreConstant({ low: 0, high: -1 }), UsageError, "ascending");
  assertThrows(() => mourreConstant({ low: NaN, high: 1 }), UsageError, "ascending");
});
