import { assert, assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../core/errors.ts";
import { primeBumpPotential, primeBumpWeight } from "../../../core/spectral/prime_bump.ts";
import { primesBelow } from "../../../core/spectral/primes.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertClose } from "../stats/_assert_close.ts";

Deno.test("primeBumpWeight() is ln p / p^(k (1/2 + epsilon)), values by hand", () => {
  // ln 2 / 2^1.5 = 0.24506...
  assertClose(["2, 1", primeBumpWeight(2, { k: 1, epsilon: 1 })], 0.24506453586713675, {
    relative: 1e-14,
  });
  assertClose(["3, 2", primeBumpWeight(3, { k: 2, epsilon: 0.5 })], Math.log(3) / 9, {
    relative: 1e-14,
  });
});

Deno.test("primesBelow() has 25 below 100 and 1229 below 10000, and none below 2", () => {
  assertEquals(primesBelow(100).length, 25);
  assertEquals(primesBelow(98).at(-1), 97);
  assertEquals(primesBelow(97).at(-1), 89);
  assertEquals(primesBelow(10000).length, 1229);
  assertEquals([primesBelow(0), primesBelow(2), primesBelow(3)], [[], [], [2]]);
  assertThrows(() => primesBelow(-1), UsageError);
});

Deno.test("primeBumpPotential() agrees with the formula in NumPy, scale 1 and 0.02", () => {
  for (const { n, epsilon, k_max, values } of golden.prime_bumps) {
    const potential = primeBumpPotential({ nSeq: n, epsilon, kMax: k_max, scale: 1 });
    values.forEach((want, k) =>
      assertClose([`site ${k}`, potential.values[k]], want, { relative: 1e-13 })
    );
    const weak = primeBumpPotential({ nSeq: n, epsilon, kMax: k_max });
    assertClose(["scaled", weak.values[3]], 0.02 * values[3], { relative: 1e-13 });
  }
});

Deno.test("primeBumpPotential() spreads over the window, over half the sites above a tenth of the top", () => {
  const { values } = primeBumpPotential({ nSeq: 512 });
  const top = Math.max(...values);
  assert(values.filter((value) => value > top / 10).length > 256);
});

Deno.test("primeBumpPotential() puts the comb on prime sites, scale at each", () => {
  const { values, getPrimeIndices, variant } = primeBumpPotential({
    nSeq: 30,
    variant: "comb",
    scale: 3,
  });
  assertEquals(variant, "comb");
  const primeIndices = getPrimeIndices();
  assertEquals(primeIndices, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
  assertEquals([...values], Array.from({ length: 30 }, (_, n) => primeIndices.includes(n) ? 3 : 0));
});

Deno.test("verifyGueStatistics() tells gue from formula and comb, 800 sites", () => {
  const of = (variant: "formula" | "comb" | "gue") =>
    primeBumpPotential({ nSeq: 800, variant, seed: 5 }).verifyGueStatistics();
  const [formula, comb, gue] = [of("formula"), of("comb"), of("gue")];
  assertEquals([formula.level_kind, formula.is_gue], ["picket-fence", false]);
  assert(!comb.is_gue && comb.mean_ratio > 0.65, `comb ${JSON.stringify(comb)}`);
  assertEquals([gue.level_kind, gue.is_gue], ["gue", true]);
  assert(gue.wigner_fit_error < 0.06 && formula.wigner_fit_error > 0.5);
});

Deno.test("primeBumpPotential() of gue is a function of the seed, and is no lattice", () => {
  const of = (seed: number) => primeBumpPotential({ nSeq: 20, variant: "gue", seed });
  assertEquals(of(1).values, of(1).values);
  assert(of(1).values[0] !== of(2).values[0]);
  assert(of(1).hamiltonian.upper[0] !== of(1).hamiltonian.upper[1]);
});

Deno.test("primeBumpPotential() throws, options outside their range", () => {
  for (const wrong of [{ nSeq: 0 }, { kMax: 0 }, { epsilon: 0 }, { scale: NaN }]) {
    const key = Object.keys(wrong)[0];
    assertThrows(() => primeBumpPotential({ nSeq: 8, ...wrong }), UsageError, `at ${key}`);
  }
});
