import { UsageError } from "../errors.ts";

/**
 * Holm's step-down adjusted p-values, in the order of the input. With p_(1) <= … <= p_(m),
 * adjusted_(i) = max_{j <= i} min(1, (m - j + 1) p_(j)); rejecting where adjusted <= alpha keeps the
 * chance of any false rejection in the family at most alpha, whatever the dependence. pValues: (m) → (m).
 *
 * Source: Holm 1979, Scandinavian Journal of Statistics 6, 65-70.
 *
 * @throws {UsageError} If a p-value is outside (0, 1]; a p-value of exactly 0 is a bug of its test
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { holm } from "./holm.ts";
 * const [first, second, third] = holm([0.03, 0.01, 0.02]);
 * assertAlmostEquals(first, 0.04, 1e-15);
 * assertAlmostEquals(second, 0.03, 1e-15);
 * assertAlmostEquals(third, 0.04, 1e-15);
 * ```
 */
export function holm(pValues: readonly number[]): readonly number[] {
  const wrong = pValues.findIndex((p) => !(p > 0 && p <= 1));
  if (wrong >= 0) {
    throw new UsageError(
      `Cannot adjust p-values: at pValues[${wrong}]: expected a number in (0, 1], ` +
        `got "${pValues[wrong]}"`,
    );
  }
  const ascending = pValues.map((_, index) => index).sort((i, j) => pValues[i] - pValues[j]);
  const adjusted = new Array<number>(pValues.length);
  let largest = 0;
  ascending.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues.length - rank) * pValues[index]));
    adjusted[index] = largest;
  });
  return adjusted;
}
