/** Directional derivatives by differences of the definition in f64: the oracle for every gradient. */

/**
 * Derivative of `f` at `x` along `direction`, by the fourth-order central difference
 * (8 (f(x+h) - f(x-h)) - (f(x+2h) - f(x-2h))) / 12h, error O(h^4).
 */
export function directionalDerivative(
  f: (x: Float64Array) => number,
  options: { readonly x: Float64Array; readonly direction: Float64Array; readonly h: number },
): number {
  const { x, direction, h } = options;
  const at = (t: number): number => f(x.map((value, i) => value + t * h * direction[i]));
  return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h);
}
