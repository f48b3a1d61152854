import { expectIds, type IdRange } from "../data/expect_ids.ts";
import { DataError } from "../errors.ts";

/**
 * Ids (n) that a user gave, as they are uploaded. They are checked first, since `Int32Array.from` makes ids of
 * anything: 0 of NaN and "a", 1 of 1.5, 65 of 2^32 + 65.
 *
 * @throws {DataError} If they are no array, or on the first that is no integer in 0..V-1
 */
export function idArray(
  ids: ArrayLike<number>,
  { expected = "an array of ids", ...range }: IdRange & {
    /** What belongs there, for the message. @default "an array of ids" */
    readonly expected?: string;
  },
): Int32Array {
  const given: unknown = ids; // `deno run` checks no types
  const isArray = typeof given === "object" && given !== null && "length" in given;
  if (!isArray || given instanceof Uint8Array) {
    const got = isArray ? "a Uint8Array, which may be bytes of a text" : `"${String(given)}"`;
    throw new DataError(`Cannot use ${range.what}: expected ${expected}, got ${got}`);
  }
  expectIds(ids, range);
  return ids instanceof Int32Array ? ids : Int32Array.from(ids);
}
