import { sampleRankCorrelation } from "simple-statistics";
import { NumericError, UsageError } from "../errors.ts";
import { areConstant } from "./are_constant.ts";
import { requireFinite } from "./require_finite.ts";

/**
 * Spearman's rank correlation of paired values, in [-1, 1].
 *
 * @throws {UsageError} If the lists differ in length or have fewer than two values
 * @throws {NumericError} If a value is not finite, or all values of a list are equal
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { spearman } from "./spearman.ts";
 * assertAlmostEquals(spearman([1, 2, 3, 4], [10, 30, 20, 40]), 0.8, 1e-12);
 * ```
 */
export function spearman(x: readonly number[], y: readonly number[]): number {
  if (x.length !== y.length || x.length < 2) {
    throw new UsageError(
      `Cannot correlate ${x.length} with ${y.length} values: expected pairs, two or more`,
    );
  }
  requireFinite(x, "the first list");
  requireFinite(y, "the second list");
  if (areConstant(x) || areConstant(y)) {
    throw new NumericError("Cannot correlate values that are all equal: they have no ranks");
  }
  return sampleRankCorrelation([...x], [...y]);
}
