/** Scores a text, or its ids, with a saved model. */
import { windowLoss } from "../evaluate/window_loss.ts";
import type { Backend } from "../plan/backend.ts";
import { evaluateModel } from "./evaluate_model.ts";
import { idArray } from "./id_array.ts";
import type { ModelFile } from "./model_file.ts";
import { modelStart } from "./model_start.ts";
import { requireIntegers } from "./require_integers.ts";

/** How a text is scored. */
export interface CheckpointEvaluateOptions {
  /** Tokens per window. Without it the length of training. */
  readonly seqLen?: number;
  /**
   * Windows per batch; changes the last bits alone.
   * @default {8}
   */
  readonly batchSize?: number;
  /** Tokens to score from the first on; without it all. */
  readonly evalTokens?: number;
}

/** How well a model predicts a text. */
export interface CheckpointLoss {
  /** Nats per token. */
  readonly loss: number;
  /** exp(loss). */
  readonly perplexity: number;
  /** Tokens that were scored. */
  readonly tokens: number;
  /** Bits per byte of the text; null for ids, whose bytes are not known. */
  readonly bitsPerByte: number | null;
  /** Whether the tokens leave out part of the text, which nobody predicted. */
  readonly bitsPerByteIsLowerBound: boolean;
  /** Whether a prediction depends on later tokens; the loss of such a model is no evidence. */
  readonly leaks: boolean;
}

/**
 * Scores windows that do not overlap, each with no context before it; a rest that does not fill a window is not
 * scored.
 *
 * @throws {UsageError} If sizes are out of their range, or fewer tokens are to be scored than a window has
 * @throws {DataError} If it is no text and no array, is shorter than a window, or has an id that is no integer in
 * 0..V-1
 * @throws {StoreError} If the model does not fit the length
 */
export async function textLoss(text: string | ArrayLike<number>, { file, backend, how }: {
  readonly file: ModelFile;
  readonly backend: Backend;
  readonly how: CheckpointEvaluateOptions;
}): Promise<CheckpointLoss> {
  const { leaks, model, tokenizer: { vocabularySize } } = file;
  const { seqLen = file.seqLen, batchSize = 8, evalTokens } = how;
  requireIntegers("evaluate", {
    seqLen: [seqLen, 1],
    batchSize: [batchSize, 1],
    evalTokens: [evalTokens ?? seqLen, seqLen],
  });
  if (typeof text === "string") {
    const part = { bytes: new TextEncoder().encode(text), documentEnds: [] };
    const { loss, perplexity, tokens, bitsPerByte, bitsPerByteIsLowerBound } = await evaluateModel(
      file,
      { backend, batchSize, seqLen, evalTokens, text: { part, train: null } },
    );
    return { loss, perplexity, tokens, bitsPerByte, bitsPerByteIsLowerBound, leaks };
  }
  const all = idArray(text, {
    ...{ vocabularySize, what: "the text", expected: "a string or an array of ids" },
  });
  const ids = evalTokens === undefined ? all : all.subarray(0, evalTokens + 1);
  const start = modelStart(file, { seqLen });
  const { loss, tokens } = await windowLoss(backend, {
    ...{ model, vocabularySize, start, ids, seqLen, batchSize },
  });
  const perplexity = Math.exp(loss);
  return { loss, perplexity, tokens, bitsPerByte: null, bitsPerByteIsLowerBound: false, leaks };
}
