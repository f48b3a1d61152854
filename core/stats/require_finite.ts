import { NumericError, UsageError } from "../errors.ts";

/**
 * Checks that a sample has at least one value and that every value is a finite number. `what` names
 * the sample in the message.
 *
 * @throws {UsageError} If the sample is empty
 * @throws {NumericError} If a value is NaN or infinite; the message has its index
 *
 * @example Usage
 * ```ts
 * import { assertThrows } from "@std/assert";
 * import { NumericError } from "../errors.ts";
 * import { requireFinite } from "./require_finite.ts";
 * assertThrows(() => requireFinite([1, NaN], "losses"), NumericError, "losses[1]");
 * ```
 */
export function requireFinite(values: readonly number[], what: string): void {
  if (values.length === 0) {
    throw new UsageError(`Cannot use the sample "${what}": expected at least one value, got none`);
  }
  const index = values.findIndex((value) => !Number.isFinite(value));
  if (index < 0) return;
  throw new NumericError(
    `Cannot use the sample "${what}": at ${what}[${index}]: expected a finite number, ` +
      `got "${values[index]}"`,
  );
}
