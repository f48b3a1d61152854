/**
 * Natural logarithm of a positive normal f64 from + - * / alone, because the language leaves the
 * last bits of Math.log to the platform and initial weights must be the same bytes everywhere.
 *
 * x = 2^k m with m in [sqrt(1/2), sqrt(2)); log m = 2 artanh(s), s = (m - 1)/(m + 1), |s| < 0.172,
 * by its odd series to s^21: the first term left out is below 1e-17 relative.
 */
export function naturalLog(x: number): number {
  if (!(x >= 2.2250738585072014e-308 && x < Infinity)) {
    throw new RangeError(`Cannot take the logarithm of ${x}: expected a positive normal number`);
  }
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const high = view.getUint32(0);
  let exponent = (high >>> 20) - 1023;
  view.setUint32(0, (high & 0x000fffff) | 0x3ff00000);
  let mantissa = view.getFloat64(0);
  if (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent += 1;
  }
  const s = (mantissa - 1) / (mantissa + 1);
  const square = s * s;
  let series = 0;
  for (let n = 21; n >= 1; n -= 2) series = series * square + 1 / n;
  return exponent * 0.6931471805599453 + 2 * s * series;
}
