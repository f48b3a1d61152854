import { assert, assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { signFlipTest } from "../../../core/stats/sign_flip_test.ts";
import fromR from "../../golden/stats_r.json" with { type: "json" };
import fromScipy from "../../golden/stats_scipy.json" with { type: "json" };
import { mulberry32, normalSample } from "./_random_sample.ts";

const differencesOf = (pair: { readonly a: readonly number[]; readonly b: readonly number[] }) =>
  Object.freeze(pair.a.map((value, index) => value - pair.b[index]));

Deno.test("signFlipTest() agrees with SciPy's and R's enumeration, all golden pairs", () => {
  for (const pair of [...fromScipy.pairs, ...fromR.pairs]) {
    assertEquals(signFlipTest(differencesOf(pair)).p, pair.p_exact, pair.name);
  }
});

Deno.test("signFlipTest() gives Fisher's count, Darwin's maize", () => {
  // The Design of Experiments, section 21: 863 of 32768 samples reach a total of 314 or more.
  const maize = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48];
  assertEquals(signFlipTest(maize), {
    p: (2 * 863) / 32768,
    floor: 2 / 32768,
    n: 15,
    permutations: 32768,
  });
});

Deno.test("signFlipTest() reaches its floor, all differences of one sign, every n to 20", () => {
  for (let n = 1; n <= 20; n++) {
    const differences = Array.from({ length: n }, (_, index) => -1 - index / 7);
    const result = signFlipTest(differences);
    assertEquals(result, { p: 2 / 2 ** n, floor: 2 / 2 ** n, n, permutations: 2 ** n });
  }
});

Deno.test("signFlipTest() is 1, no information", () => {
  assertEquals(signFlipTest([0, 0, 0]).p, 1);
  assertEquals(signFlipTest([-0]).p, 1);
  assertEquals(signFlipTest([3]), { p: 1, floor: 1, n: 1, permutations: 2 });
  assertEquals(signFlipTest([2, -2]).p, 1);
});

Deno.test("signFlipTest() keeps p and floor, zeros added", () => {
  const without = signFlipTest([3, 1, 2, -0.5]);
  const withZeros = signFlipTest([0, 3, 1, 0, 2, -0.5]);
  assertEquals(withZeros.p, without.p);
  assertEquals([withZeros.floor, without.floor], [2 / 2 ** 4, 2 / 2 ** 4]);
  // By definition: the smallest p of n differences, z of them 0, is that of n - z of one sign.
  for (const [n, z, want] of [[8, 0, 2 / 256], [8, 3, 2 / 32], [8, 7, 1], [8, 8, 1], [1, 1, 1]]) {
    const { p, floor } = signFlipTest(Array.from({ length: n }, (_, i) => i < z ? 0 : 1 + i));
    assertEquals([p, floor], [want, want], `${z} of ${n}`);
  }
  assertEquals(signFlipTest([1, 2, 3, 0, 0]).p, 2 / 2 ** 3);
});

Deno.test("signFlipTest() counts ties that rounding breaks, decimal values", () => {
  // Flipping {0.1, 0.2, -0.3} leaves the total: in integers [1, 2, -3, 4] has the same p.
  assertEquals(signFlipTest([0.1, 0.2, -0.3, 0.4]).p, signFlipTest([1, 2, -3, 4]).p);
  assertEquals(signFlipTest([1, 2, -3, 4]).p, 10 / 16); // by hand: ±10, ±8, ±6, ±4 twice; ±2, 0 stay out
});

Deno.test("signFlipTest() does not depend on scale, down to subnormals and up to the largest f64", () => {
  const differences = [3, -1, 2, 5, 4];
  const { p } = signFlipTest(differences);
  for (const scale of [2 ** -1074, 1e-300, 1e-12, 1e12, 3e307]) {
    assertEquals(signFlipTest(differences.map((d) => d * scale)).p, p, `scale ${scale}`);
  }
});

Deno.test("signFlipTest() keeps its invariants, 200 random samples with ties and zeros", () => {
  const next = mulberry32(1);
  for (let trial = 0; trial < 200; trial++) {
    const n = 1 + Math.floor(next() * 9);
    const plain = normalSample(next, n);
    const differences = Object.freeze(trial % 2 ? plain.map((d) => Math.round(2 * d)) : plain);
    const { p, floor, permutations } = signFlipTest(differences);
    assert(p >= floor && p <= 1 && floor >= 2 / permutations, `p ${p}, floor ${floor}`);
    assert(Number.isInteger(p * permutations), "p is a count over the permutations");
    assertEquals(signFlipTest(differences.map((d) => -d)).p, p, "sign symmetry");
    assertEquals(signFlipTest([...differences].reverse()).p, p, "reversed");
    assertEquals(signFlipTest([...differences].sort((x, y) => x - y)).p, p, "sorted");
  }
});

Deno.test("signFlipTest() is calibrated exactly, all sign vectors of distinct magnitudes", () => {
  // Under the hypothesis the 2^n sign vectors are equally likely. Without ties each p = k / 2^(n-1)
  // then comes up exactly twice: P(p <= alpha) = alpha at every attainable alpha.
  const magnitudes = normalSample(mulberry32(5), 8).map(Math.abs);
  const counts = new Map<number, number>();
  for (let vector = 0; vector < 256; vector++) {
    const { p } = signFlipTest(magnitudes.map((d, bit) => (vector >> bit) & 1 ? -d : d));
    counts.set(p, (counts.get(p) ?? 0) + 1);
  }
  assertEquals(
    [...counts.keys()].sort((x, y) => x - y),
    [...Array(128).keys()].map((k) => (k + 1) / 128),
  );
  assertEquals(new Set(counts.values()), new Set([2]));
});

Deno.test("signFlipTest() is valid, all sign vectors of tied magnitudes and a zero", () => {
  const magnitudes = [1, 1, 2, 3, 0, 0.1, 0.2, 0.3];
  const ps = Array.from(
    { length: 256 },
    (_, vector) => signFlipTest(magnitudes.map((d, bit) => (vector >> bit) & 1 ? -d : d)).p,
  );
  for (const alpha of new Set(ps)) {
    assertEquals(ps.filter((p) => p <= alpha).length / 256, alpha);
  }
});

Deno.test("signFlipTest() throws, more than 20, none, or not finite", () => {
  const message = "expected at most 20, got 21";
  assertThrows(() => signFlipTest(new Array(21).fill(1)), UsageError, message);
  assertThrows(() => signFlipTest([]), UsageError, "at least one value");
  assertThrows(() => signFlipTest([1, NaN]), NumericError, "differences[1]");
  assertThrows(() => signFlipTest([Infinity]), NumericError, "differences[0]");
});
