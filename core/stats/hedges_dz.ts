import { UsageError } from "../errors.ts";
import { areConstant } from "./are_constant.ts";
import { mean } from "./mean.ts";
import { requireFinite } from "./require_finite.ts";
import { sampleStandardDeviation } from "./sample_standard_deviation.ts";

/** Effect size of paired differences; all three numbers are free of units. */
export interface HedgesDz {
  /** Corrected effect size, correction * uncorrected. */
  readonly dz: number;
  /** Cohen's d_z, mean / sd. */
  readonly uncorrected: number;
  /** J(n - 1), inside (0, 1). */
  readonly correction: number;
}

/**
 * Cohen's d_z of paired differences times Hedges' exact correction: d_z = J(m) mean / s with m = n - 1
 * and J(m) = Γ(m / 2) / (sqrt(m / 2) Γ((m - 1) / 2)). differences: (n) with n >= 3, as J(1) = 0 would
 * call every effect of two pairs 0.
 *
 * Source: Cohen 1988, Statistical Power Analysis for the Behavioral Sciences, section 2.3.5 (d_z);
 * Hedges 1981, Journal of Educational Statistics 6, 107-128 (J, there c(m)).
 *
 * @throws {UsageError} If there are fewer than three differences, or they are equal but for rounding
 * @throws {NumericError} If a difference is not finite
 *
 * @example Usage
 * ```ts
 * import { assertAlmostEquals } from "@std/assert";
 * import { hedgesDz } from "./hedges_dz.ts";
 * const effect = hedgesDz([1, 2, 3, 4, 5]);
 * assertAlmostEquals(effect.uncorrected, 3 / Math.sqrt(2.5), 1e-14);
 * assertAlmostEquals(effect.correction, Math.sqrt(2 / Math.PI), 1e-14); // Γ(2) / (√2 Γ(3/2))
 * assertAlmostEquals(effect.dz, 6 / Math.sqrt(5 * Math.PI), 1e-14);
 * ```
 */
export function hedgesDz(differences: readonly number[]): HedgesDz {
  requireFinite(differences, "differences");
  if (differences.length < 3) {
    throw new UsageError(
      `Cannot take Hedges' d_z: expected at least 3 differences, got ${differences.length}`,
    );
  }
  if (areConstant(differences)) {
    throw new UsageError(
      `Cannot take Hedges' d_z: expected differences that vary, got "${differences[0]}" ` +
        `${differences.length} times`,
    );
  }
  const uncorrected = mean(differences) / sampleStandardDeviation(differences);
  const correction = hedgesCorrection(differences.length - 1);
  return { dz: correction * uncorrected, uncorrected, correction };
}

/** J(m) for integer m >= 2, by Γ(x + 1) = x Γ(x) from Γ(1) / Γ(1/2) or Γ(3/2) / Γ(1). */
function hedgesCorrection(m: number): number {
  let ratio = m % 2 === 0 ? 1 / Math.sqrt(Math.PI) : Math.sqrt(Math.PI) / 2;
  for (let k = m % 2 === 0 ? 2 : 3; k < m; k += 2) ratio *= k / (k - 1);
  return ratio / Math.sqrt(m / 2);
}
