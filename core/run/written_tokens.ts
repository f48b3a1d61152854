/** Writes on from a prompt with a saved model. */
import { TextPieces } from "../data/text_pieces.ts";
import { generateTokens } from "../evaluate/generate_tokens.ts";
import { requireSampling, type SamplingSettings } from "../evaluate/sample_token.ts";
import type { Backend } from "../plan/backend.ts";
import type { ModelFile } from "./model_file.ts";
import { openText } from "./open_text.ts";
import { promptIds } from "./prompt_ids.ts";
import { requireIntegers } from "./require_integers.ts";

/** What to write on from, and how. Exactly one of `prompt` and `inputIds` is given. */
export interface CheckpointGenerateOptions {
  /** Text to go on from. */
  readonly prompt?: string;
  /** Its ids instead, (n) with n >= 1, integers in 0..V-1. */
  readonly inputIds?: ArrayLike<number>;
  /**
   * Tokens to write, those of the prompt not counted, >= 1.
   * @default {100}
   */
  readonly maxLength?: number;
  /**
   * Logits are divided by it; 0 takes the most probable token.
   * @default {0.8}
   */
  readonly temperature?: number;
  /** Draws among so many most probable tokens; without it all. */
  readonly topK?: number | undefined;
  /**
   * Draws among the fewest most probable tokens of this probability.
   * @default {0.9}
   */
  readonly topP?: number;
  /**
   * Of the random numbers, in 0..4294967295: the same seed writes the same text.
   * @default {42}
   */
  readonly seed?: number;
}

/** A token that was written. */
export interface GeneratedToken {
  /** Its id. */
  readonly id: number;
  /** Characters that it completes; a character may take several tokens. The texts joined are the whole text. */
  readonly text: string;
}

/**
 * Tokens one after the other, as they are written; whoever leaves the loop stops the writing. After the signal one
 * more token comes, with what is left of a character.
 *
 * @throws {UsageError} On settings out of their range, an empty prompt, or a model whose tokens see later ones
 * @throws {DataError} On an id that is no integer in 0..V-1
 * @throws {NumericError} If a logit is not finite
 */
export async function* writtenTokens(file: ModelFile, { backend, how = {}, signal }: {
  readonly backend: Backend;
  readonly how?: CheckpointGenerateOptions;
  readonly signal?: AbortSignal;
}): AsyncGenerator<GeneratedToken, void, void> {
  const { maxLength = 100, temperature = 0.8, topK, topP = 0.9, seed = 42 } = how;
  const sampling: SamplingSettings = { temperature, topP, ...(topK === undefined ? {} : { topK }) };
  requireSampling(sampling);
  requireIntegers("generate", { maxLength: [maxLength, 1], seed: [seed, 0] });
  const prompt = promptIds(file.tokenizer, how);
  const pieces = new TextPieces(file.tokenizer, prompt);
  const stream = await openText(backend, file);
  try {
    for await (
      const id of generateTokens(stream, { prompt, maxTokens: maxLength, sampling, seed })
    ) {
      const text = pieces.add(id);
      const isLast = pieces.ids.length === maxLength || signal?.aborted === true;
      yield { id, text: isLast ? text + pieces.end() : text };
      if (isLast) return;
    }
  } finally {
    stream.destroy();
  }
}
