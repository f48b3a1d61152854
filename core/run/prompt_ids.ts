import type { Tokenizer } from "../data/tokenizer.ts";
import { UsageError } from "../errors.ts";
import { idArray } from "./id_array.ts";

/**
 * The ids of a prompt, (n) with n >= 1, of which exactly one form is given.
 *
 * @throws {UsageError} If there is no prompt, or one without a token
 * @throws {DataError} On an id that is no integer in 0..V-1
 */
export function promptIds(
  { encode, kind, vocabularySize }: Pick<Tokenizer, "encode" | "kind" | "vocabularySize">,
  { prompt, inputIds }: { readonly prompt?: string; readonly inputIds?: ArrayLike<number> },
): Int32Array {
  if ((prompt === undefined) === (inputIds === undefined)) {
    throw new UsageError(
      `Cannot generate: expected a prompt or inputIds, got ${
        prompt === undefined ? "none" : "both"
      }`,
    );
  }
  if (inputIds !== undefined) {
    const ids = idArray(inputIds, { vocabularySize, what: "inputIds" });
    if (ids.length > 0) return ids;
    throw new UsageError("Cannot generate: at inputIds: expected one id or more, got none");
  }
  if (typeof prompt !== "string") { // `deno run` checks no types
    throw new UsageError(`Cannot generate: at prompt: expected a text, got "${String(prompt)}"`);
  }
  const ids = encode(prompt);
  if (ids.length > 0) return ids;
  throw new UsageError(
    `Cannot generate from the prompt ${
      JSON.stringify(prompt)
    }: it has no token of the ${kind} tokenizer; give a word or more`,
  );
}
