/** theta with softplus(theta) = y > 0: y + log(1 - e^-y), which neither overflows nor cancels. */
export function inverseSoftplus(y: number): number {
  return y + Math.log(-Math.expm1(-y));
}
