/**
 * IEEE 754 binary16 ("half precision") from its definition: a sign, 5 bits of exponent e and 10 of fraction f
 * mean (1024 + f) 2^(e - 25) for 0 < e < 31, f 2^-24 for e = 0, and for e = 31 infinity (f = 0) or NaN.
 */

/** Below this size a number rounds to a finite half: halfway from the largest one, 65504, to 2^16. */
const FIRST_INFINITE = 65520;
const INFINITY_BITS = 0x7c00;
const NAN_BITS = 0x7e00;
const SMALLEST_EXPONENT = -14;

/** Bits of the half nearest to x, of two as near ones the even one. NaN gives 0x7e00. */
export function halfBits(x: number): number {
  if (Number.isNaN(x)) return NAN_BITS;
  const sign = x < 0 || Object.is(x, -0) ? 0x8000 : 0;
  const size = Math.abs(x);
  if (size >= FIRST_INFINITE) return sign | INFINITY_BITS;
  let exponent = SMALLEST_EXPONENT;
  while (2 ** (exponent + 1) <= size) exponent++;
  const units = roundToEven(size / 2 ** (exponent - 10));
  // A normal number has 1024 to 2048 units, so that its leading one, or a carry, raises the exponent field.
  return sign | (((exponent - SMALLEST_EXPONENT) << 10) + units);
}

/** The number that a half stands for; exact. */
export function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function roundToEven(x: number): number {
  const below = Math.floor(x);
  const rest = x - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
}
