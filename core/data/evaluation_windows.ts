import { DataError } from "../errors.ts";
import { type Batch, cutWindows } from "./cut_windows.ts";

/** Size of an evaluation set. */
export interface EvaluationOptions {
  /** N, tokens per window. */
  readonly seqLen: number;
  /** Tokens to score; the largest multiple of N not above it is scored. */
  readonly evalTokens: number;
}

/** A fixed evaluation set. */
export interface EvaluationWindows extends Batch {
  /** W, number of windows; `tokens` and `targets` are (W, N). */
  readonly windows: number;
}

/** Tokens that are scored: the largest multiple of N not above `evalTokens`. */
export function scoredTokens({ seqLen, evalTokens }: EvaluationOptions): number {
  return Math.floor(evalTokens / seqLen) * seqLen;
}

/**
 * The first floor(evalTokens / N) non-overlapping windows of the validation tokens `ids`, shape (T):
 * window w scores tokens w N + 1 .. w N + N. There is no randomness, so every arm and seed is scored
 * on the same set; lengths that divide evalTokens are scored on the same tokens, too.
 *
 * @throws {DataError} If the part is too short for that many windows and the token after them
 * @throws {RangeError} If `seqLen` is not a positive integer or `evalTokens` is below it
 */
export function evaluationWindows(ids: Int32Array, options: EvaluationOptions): EvaluationWindows {
  const { seqLen, evalTokens } = options;
  if (!Number.isInteger(seqLen) || seqLen < 1 || !(evalTokens >= seqLen)) {
    throw new RangeError(
      `Cannot cut evaluation windows: expected integers 1 <= seqLen <= evalTokens, ` +
        `got seqLen ${seqLen}, evalTokens ${evalTokens}`,
    );
  }
  const windows = scoredTokens(options) / seqLen;
  const needed = windows * seqLen + 1;
  if (ids.length < needed) {
    throw new DataError(
      `Cannot cut ${windows} evaluation windows of ${seqLen} tokens: expected a validation part of ` +
        `at least ${needed} tokens, got ${ids.length}; lower eval_tokens or use a longer text`,
    );
  }
  const starts = Array.from({ length: windows }, (_, w) => w * seqLen);
  return { windows, ...cutWindows(ids, seqLen, starts) };
}
