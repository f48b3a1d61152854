import { NumericError, UsageError } from "../errors.ts";

/** Which part of a spectrum is used. */
export interface BulkOptions {
  /**
   * Share of levels left out at each end, inside [0, 1/2).
   * @default {0.1}
   */
  readonly margin?: number;
}

/**
 * Ratios of consecutive spacings in the bulk, r_n = min(s_n, s_{n+1}) / max(s_n, s_{n+1}) with
 * s_n = E_{n+1} - E_n, each in [0, 1]. The local density of levels cancels, so nothing is unfolded.
 * levels: ascending, (M) → (bulk - 2).
 *
 * Source: Oganesyan and Huse 2007, Physical Review B 75, 155111.
 *
 * @throws {UsageError} If fewer than three levels are in the bulk, or they do not ascend
 * @throws {NumericError} If three levels are equal, which leaves 0/0
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { spacingRatios } from "./spacing_ratios.ts";
 * assertEquals([...spacingRatios([0, 1, 3, 4], { margin: 0 })], [0.5, 0.5]);
 * ```
 */
export function spacingRatios(levels: ArrayLike<number>, options: BulkOptions = {}): Float64Array {
  const { margin = 0.1 } = options;
  if (!(margin >= 0 && margin < 0.5)) {
    throw new UsageError(`Cannot cut out the bulk: expected a margin in [0, 0.5), got "${margin}"`);
  }
  const start = Math.floor(margin * levels.length);
  const count = levels.length - 2 * start;
  if (count < 3) {
    throw new UsageError(`Cannot take spacing ratios: expected 3 levels in the bulk, got ${count}`);
  }
  return Float64Array.from({ length: count - 2 }, (_, k) => {
    const [a, b, c] = [levels[start + k], levels[start + k + 1], levels[start + k + 2]];
    if (!(a <= b && b <= c)) {
      throw new UsageError(
        `Cannot take spacing ratios: at levels[${start + k}]: expected ascending levels, ` +
          `got ${a}, ${b}, ${c}`,
      );
    }
    if (a < c) return Math.min(b - a, c - b) / Math.max(b - a, c - b);
    throw new NumericError(
      `Cannot take spacing ratios: at levels[${
        start + k
      }]: expected no three equal levels, got ${a}`,
    );
  });
}
