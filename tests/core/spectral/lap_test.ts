import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { lapGrowth, lapWeights, weightedResolventNorm } from "../../../core/spectral/lap.ts";
import { resolventDiagonal } from "../../../core/spectral/resolvent.ts";
import { symmetricEigenvalues } from "../../../core/spectral/symmetric_eigenvalues.ts";
import { latticeHamiltonian } from "../../../core/spectral/tridiagonal.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertClose } from "../stats/_assert_close.ts";
import { mulberry32 } from "../stats/_random_sample.ts";

Deno.test("weightedResolventNorm() agrees with the dense norm, s = 1", () => {
  for (const { v, lambda, eta, weighted_norm } of golden.determinants) {
    const { value } = weightedResolventNorm(v, { lambda, eta });
    assert(value <= weighted_norm * (1 + 1e-10));
    assertClose([`N = ${v.length}, eta = ${eta}`, value], weighted_norm, { relative: 1e-3 });
  }
});

Deno.test("lapGrowth() is bounded, free lattice inside the band", () => {
  for (const lambda of [-3, -2, -1]) {
    const { exponent, bounded, etas } = lapGrowth(new Float64Array(2048), { lambda });
    assertEquals(etas.at(-1), 2 ** -8);
    assert(bounded && Math.abs(exponent) < 0.1, `exponent ${exponent} at ${lambda}`);
  }
});

Deno.test("lapGrowth() is not bounded, bound state at lambda", () => {
  const v = new Float64Array(513);
  v[256] = 3; // 1 = V G(0): E = -2 + sqrt(4 + V^2)
  const { exponent, bounded } = lapGrowth(v, { lambda: -2 + Math.sqrt(13) });
  assert(!bounded);
  assertClose(["exponent", exponent], 1, { relative: 0.01 });
});

Deno.test("lapGrowth() is not bounded, walls that trap a level inside the band", () => {
  const v = new Float64Array(513);
  v[255] = v[257] = 100;
  const trapped = lapGrowth(v, { lambda: -2.02 }); // -2 - 2/100 to second order in 1/V
  assert(!trapped.bounded, `exponent ${trapped.exponent}`);
});

Deno.test("lapGrowth() is not bounded, level that disorder has localised at the centre", () => {
  const next = mulberry32(8);
  const v = Float64Array.from({ length: 512 }, () => 6 * next() - 3);
  const h = latticeHamiltonian(v);
  const weightAtCentre = (lambda: number): number =>
    resolventDiagonal(h, { z: { lambda, eta: 1e-6 } }).im[256];
  const [level] = symmetricEigenvalues(h).toSorted((a, b) => weightAtCentre(b) - weightAtCentre(a));
  const { bounded, exponent } = lapGrowth(v, { lambda: level });
  assert(!bounded && exponent > 0.9, `exponent ${exponent}`);
});

Deno.test("lapWeights() are <n - n0>^-s, even and odd N", () => {
  assertEquals(lapWeights(5, { exponent: 2 })[2], 1);
  const weights = lapWeights(4, { exponent: 1.5 });
  assertClose(["edge", weights[0]], (1 + 2.25) ** -0.75, { relative: 1e-15 });
  assertEquals(weights[0], weights[3]);
  assertClose(["shifted", lapWeights(4, { centre: 0 })[3]], 1 / Math.sqrt(10), { relative: 1e-15 });
});

Deno.test("lapWeights() throws, exponent not above one half", () => {
  for (const exponent of [0.5, 0, NaN, Infinity]) {
    assertThrows(() => lapWeights(4, { exponent }), UsageError, "> 0.5");
  }
  assertThrows(() => lapGrowth([0, 0], { lambda: 0 }), UsageError, "16 sites");
});
