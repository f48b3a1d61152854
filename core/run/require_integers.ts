import { UsageError } from "../errors.ts";

/**
 * Checks settings that count something: each value is an integer from its least one to 2^32 - 1.
 *
 * @throws {UsageError} On the first that is not
 */
export function requireIntegers(
  what: string,
  values: Readonly<Record<string, readonly [value: number, least: number]>>,
): void {
  for (const [key, [value, least]] of Object.entries(values)) {
    if (Number.isInteger(value) && value >= least && value <= 0xffffffff) continue;
    throw new UsageError(
      `Cannot ${what}: at ${key}: expected an integer in ${least}..4294967295, got "${value}"`,
    );
  }
}
