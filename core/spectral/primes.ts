import { UsageError } from "../errors.ts";

/**
 * Primes below n in ascending order, by the sieve of Eratosthenes.
 *
 * @throws {UsageError} If n is no integer >= 0
 *
 * @example Usage
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { primesBelow } from "./primes.ts";
 * assertEquals(primesBelow(12), [2, 3, 5, 7, 11]);
 * ```
 */
export function primesBelow(n: number): readonly number[] {
  if (!(Number.isSafeInteger(n) && n >= 0)) {
    throw new UsageError(`Cannot list primes below "${n}": expected an integer >= 0`);
  }
  const composite = new Uint8Array(n);
  const primes: number[] = [];
  for (let p = 2; p < n; p++) {
    if (composite[p] === 1) continue;
    primes.push(p);
    for (let multiple = p * p; multiple < n; multiple += p) composite[multiple] = 1;
  }
  return primes;
}
