/** Numbers as people read them in tables and sentences. Plain ASCII; LaTeX adds its own minus. */

const MOST_DECIMALS = 8;
const DECIMALS_WITHOUT_INTERVAL = 4;

/** Decimals that show the half-width of an interval with two significant digits. */
export function decimalsFor(halfWidth: number | null): number {
  if (halfWidth === null || !(halfWidth > 0) || !Number.isFinite(halfWidth)) {
    return DECIMALS_WITHOUT_INTERVAL;
  }
  // toExponential rounds first, so 0.0999 counts as 1.0e-1 and not as 10.0e-2.
  const exponent = Number(halfWidth.toExponential(1).split("e")[1]);
  return Math.min(MOST_DECIMALS, Math.max(0, 1 - exponent));
}

/** A value rounded to decimals, never "-0.00". */
export function fixedText(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** "3.214 +- 0.021" rounded to two significant digits of the half-width; no interval gives the mean alone. */
export function meanText(mean: number, halfWidth: number | null, sign = "+-"): string {
  const decimals = decimalsFor(halfWidth);
  if (halfWidth === null) return fixedText(mean, decimals);
  return `${fixedText(mean, decimals)} ${sign} ${fixedText(halfWidth, decimals)}`;
}

/**
 * A p-value with three significant digits, "0.00781", or "1.91e-6" when small.
 *
 * @throws {RangeError} If p is outside (0, 1]
 */
export function pValueText(p: number): string {
  if (!(p > 0 && p <= 1)) throw new RangeError(`A p-value must lie in (0, 1], got ${p}`);
  return p < 1e-4 ? p.toExponential(2) : String(Number(p.toPrecision(3)));
}

/** A perplexity, exp(loss), with as many digits as its own interval allows. */
export function perplexityText(perplexity: number, halfWidthNats: number | null): string {
  if (!Number.isFinite(perplexity)) return "n/a";
  return fixedText(
    perplexity,
    halfWidthNats === null ? 2 : Math.min(4, decimalsFor(perplexity * halfWidthNats)),
  );
}

/** "42", "42 and 43", "42 to 49" for consecutive numbers, "1, 2 and 5" otherwise. */
export function listText(values: readonly number[]): string {
  if (values.length <= 2) return values.join(" and ");
  const consecutive = values.every((value, i) => i === 0 || value === values[i - 1] + 1);
  if (consecutive) return `${values[0]} to ${values[values.length - 1]}`;
  return `${values.slice(0, -1).join(", ")} and ${values[values.length - 1]}`;
}
