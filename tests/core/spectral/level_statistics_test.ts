import { assert, assertEquals, assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { stream } from "../../../core/random/streams.ts";
import { uniform } from "../../../core/random/uniform.ts";
import { gueMatrix } from "../../../core/spectral/gue_matrix.ts";
import {
  gueRatioDistribution,
  levelKind,
  levelStatistics,
  MEAN_RATIOS,
} from "../../../core/spectral/level_statistics.ts";
import { spacingRatios } from "../../../core/spectral/spacing_ratios.ts";
import { symmetricEigenvalues } from "../../../core/spectral/symmetric_eigenvalues.ts";
import { latticeHamiltonian } from "../../../core/spectral/tridiagonal.ts";
import golden from "../../golden/spectral_numpy.json" with { type: "json" };
import { assertClose } from "../stats/_assert_close.ts";

const from = stream(7, "levels");
// Spacings of the spectra below are near 1e-3; ratios need no more digits than this.
const PRECISION = { tolerance: 1e-9 };

Deno.test("levelStatistics() says picket fence, free Laplacian", () => {
  const levels = symmetricEigenvalues(latticeHamiltonian(new Float64Array(512)), PRECISION);
  const { meanRatio, kind, wignerFitError } = levelStatistics([levels], { from });
  assert(meanRatio > 0.9, `mean ratio ${meanRatio}`);
  assertEquals(kind, "picket-fence");
  assert(wignerFitError > 0.5);
});

Deno.test("levelStatistics() says Poisson, independent potential of 2000 sites", () => {
  const values = stream(11, "potential");
  const v = Float64Array.from(
    { length: 2000 },
    (_, index) => 20 * uniform(values, { step: 0, index }) - 10,
  );
  const levels = symmetricEigenvalues(latticeHamiltonian(v), PRECISION);
  const { meanRatio, kind, low, high } = levelStatistics([levels], { from });
  assertClose(["mean ratio", meanRatio], 2 * Math.LN2 - 1, { relative: 0, absolute: 0.02 });
  assertEquals(kind, "poisson");
  assert(low < meanRatio && meanRatio < high && high - low < 0.05);
});

Deno.test("levelStatistics() says GUE, four Dumitriu-Edelman matrices of order 1500", () => {
  const spectra = [1, 2, 3, 4].map((seed) =>
    symmetricEigenvalues(gueMatrix(1500, { seed }), PRECISION)
  );
  const { meanRatio, kind, wignerFitError, count } = levelStatistics(spectra, { from });
  assertEquals(count, 4 * 1198);
  assertClose(["mean ratio", meanRatio], MEAN_RATIOS.gue, { relative: 0, absolute: 0.02 });
  assertEquals(kind, "gue");
  // Kolmogorov's 95 % point is 1.36 / sqrt(4792) = 0.020; the surmise itself is off by less than 0.01.
  assert(wignerFitError < 0.03, `fit error ${wignerFitError}`);
});

Deno.test("levelKind() names one class, several or none, intervals by hand", () => {
  const kinds = [[0.58, 0.61], [0.5, 0.54], [0.37, 0.4], [0.95, 0.99], [0.53, 0.6], [0.7, 0.8]].map(
    ([low, high]) => levelKind({ low, high }),
  );
  assertEquals(kinds, ["gue", "goe", "poisson", "picket-fence", "undecided", "none"]);
  assertEquals(levelKind({ low: 0, high: 1 }), "undecided");
});

Deno.test("levelStatistics() is undecided, a dozen levels", () => {
  const levels = symmetricEigenvalues(gueMatrix(12, { seed: 3 }));
  assertEquals(levelStatistics([levels], { from }).kind, "undecided");
});

Deno.test("gueRatioDistribution() agrees with adaptive quadrature and has the surmise's mean", () => {
  for (const [r, want] of golden.ratio_distribution) {
    assertClose([`at ${r}`, gueRatioDistribution(r)], want, { relative: 0, absolute: 2e-7 });
  }
  let area = 0;
  for (let k = 0; k < 2000; k++) area += gueRatioDistribution((k + 0.5) / 2000) / 2000;
  // Atas et al. 2013, beta = 2: 2 sqrt(3)/pi - 1/2
  assertClose(["mean", 1 - area], 2 * Math.sqrt(3) / Math.PI - 0.5, { relative: 1e-6 });
});

Deno.test("spacingRatios() leaves out both ends and keeps order, margin 0.25", () => {
  // Bulk of 8 levels: 1, 2, 4, 5 with spacings 1, 2, 1
  assertEquals([...spacingRatios([-9, -5, 1, 2, 4, 5, 50, 99], { margin: 0.25 })], [0.5, 0.5]);
  assertEquals([...spacingRatios([0, 0, 1], { margin: 0 })], [0]);
});

Deno.test("spacingRatios() throws, too few levels, disorder, degeneracy, bad margin", () => {
  assertThrows(() => spacingRatios([1, 2]), UsageError, "3 levels");
  assertThrows(() => spacingRatios([1, 3, 2]), UsageError, "ascending");
  assertThrows(() => spacingRatios([1, NaN, 2]), UsageError, "ascending");
  assertThrows(() => spacingRatios([1, 1, 1]), NumericError, "three equal");
  assertThrows(() => spacingRatios([1, 2, 3], { margin: 0.5 }), UsageError, "[0, 0.5)");
  assertThrows(() => levelStatistics([], { from }), UsageError, "at least one");
});
