import { assertThrows } from "@std/assert";
import { NumericError, UsageError } from "../../../core/errors.ts";
import { spearman } from "../../../core/stats/spearman.ts";
import { assertClose } from "./_assert_close.ts";

Deno.test("spearman() takes the mean rank of equal values, as SciPy does", () => {
  const x = [0.3, -1.2, 0.3, 2.5, 2.5, 2.5, -7, 0.01, 5, 1e3];
  const y = [1, 2, 2, -4, 9, 3.5, 0, 2, 2, 8];
  // scipy 1.17.1: scipy.stats.spearmanr(x, y)[0]
  assertClose(["rho", spearman(x, y)], 0.47942547942571917, { relative: 1e-12 });
});

Deno.test("spearman() sees order alone and changes its sign with it", () => {
  const x = [1, 2, 3, 4, 5];
  assertClose(["rho", spearman(x, x.map((value) => Math.exp(3 * value)))], 1, { relative: 1e-12 });
  assertClose(["rho", spearman(x, x.map((value) => -(value ** 3)))], -1, { relative: 1e-12 });
});

Deno.test("spearman() refuses lists that do not pair, are constant or not finite", () => {
  assertThrows(() => spearman([1, 2], [1]), UsageError, "Cannot correlate 2 with 1 values");
  assertThrows(() => spearman([1], [1]), UsageError, "expected pairs, two or more");
  assertThrows(() => spearman([1, 2], [3, 3]), NumericError, "all equal");
  assertThrows(() => spearman([1, NaN], [3, 4]), NumericError, "the first list[1]");
});
