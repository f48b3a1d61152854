/** Writes on from a prompt, token by token. */
import { UsageError } from "../errors.ts";
import { stream as randomStream } from "../random/streams.ts";
import { requireSampling, sampleToken, type SamplingSettings } from "./sample_token.ts";
import type { TokenStream } from "./stream.ts";

export interface GenerateOptions {
  /** Ids of the text to go on from, (n) with n >= 1. */
  readonly prompt: Int32Array;
  /** Tokens to write at most, the prompt not counted. */
  readonly maxTokens: number;
  readonly sampling: SamplingSettings;
  /** Token k is drawn with the number at step k of the stream "generate" of this seed. */
  readonly seed: number;
}

/**
 * Reads the prompt from the present state of a stream of one sequence, then yields one token after the other and
 * reads it in turn. The last token is not read, so that the next prompt may follow it.
 *
 * @throws {UsageError} On an empty prompt or settings out of their range
 * @throws {DataError} On a prompt with an id outside the vocabulary
 * @throws {NumericError} If a logit is not finite
 */
export async function* generateTokens(
  stream: TokenStream,
  { prompt, maxTokens, sampling, seed }: GenerateOptions,
): AsyncGenerator<number, void, void> {
  requireSampling(sampling);
  if (prompt.length === 0) {
    throw new UsageError(
      "Cannot generate from an empty prompt: expected a token or more, since a model begins with one",
    );
  }
  const from = randomStream(seed, "generate");
  let unread = prompt;
  for (let step = 0; step < maxTokens; step++) {
    const logits = await stream.push(unread);
    const token = sampleToken(logits, { sampling, from, at: { step, index: 0 } });
    yield token;
    unread = Int32Array.of(token);
  }
}
