/** The loss of a saved model on a text, beside what counting alone reaches. */
import { bitsPerByte } from "../data/bits_per_byte.ts";
import type { NgramFloor } from "../data/ngram_floors.ts";
import { scoredFloors } from "../data/scored_floors.ts";
import type { CorpusPart } from "../data/split_corpus.ts";
import { verifyTokenization } from "../data/verify_tokenization.ts";
import { windowLoss } from "../evaluate/window_loss.ts";
import type { Backend } from "../plan/backend.ts";
import type { ModelFile } from "./model_file.ts";
import { modelStart } from "./model_start.ts";

/** What a model is scored on. */
export interface ScoredText {
  readonly part: Pick<CorpusPart, "bytes" | "documentEnds">;
  /** The text that n-grams are counted on; null where it is not at hand. */
  readonly train: Pick<CorpusPart, "bytes" | "documentEnds"> | null;
}

export interface EvaluateModelOptions {
  readonly backend: Backend;
  /** Windows per batch. */
  readonly batchSize: number;
  /** N, tokens per window. */
  readonly seqLen: number;
  /** Tokens to score from the first on; undefined for all. */
  readonly evalTokens: number | undefined;
}

/** A model's result. */
export interface ModelEvaluation {
  /** Nats per token. */
  readonly loss: number;
  /** exp(loss). */
  readonly perplexity: number;
  readonly bitsPerByte: number;
  /** Whether the tokens leave out part of the text, which nobody predicted. */
  readonly bitsPerByteIsLowerBound: boolean;
  /** Tokens that were scored, and the bytes of their text. */
  readonly tokens: number;
  readonly bytes: number;
  readonly vocabularySize: number;
  /** Share of unknown tokens among those that were scored; null where nothing is unknown. */
  readonly unknownRate: number | null;
  /** Orders 1 and 2 on the tokens that were scored; null without the text that they are counted on. */
  readonly floors: readonly NgramFloor[] | null;
  /** Tokens that the floors are counted on: the whole training text, of which a model may have seen less. */
  readonly floorTokens: number | null;
}

/**
 * Scores non-overlapping windows of the text, each with no context before it.
 *
 * @throws {DataError} If the text is shorter than a window or its tokenization breaks a promise
 * @throws {StoreError} If the model does not fit the length
 */
export async function evaluateModel(
  file: ModelFile,
  options: EvaluateModelOptions & { readonly text: ScoredText },
): Promise<ModelEvaluation> {
  const { tokenizer, model } = file;
  const { backend, batchSize, seqLen, text } = options;
  const ids = tokenizer.encodePart(text.part);
  verifyTokenization(tokenizer, { ...text.part, ids });
  const { vocabularySize } = tokenizer;
  const { loss, tokens } = await windowLoss(backend, {
    model,
    vocabularySize,
    start: modelStart(file, { seqLen }),
    ids: ids.subarray(0, Math.min(options.evalTokens ?? Infinity, ids.length - 1) + 1),
    seqLen,
    batchSize,
  });
  const ends = tokenizer.byteEnds(text.part);
  const train = text.train && tokenizer.encodePart(text.train);
  const bytes = ends[tokens] - ends[0];
  return {
    loss,
    perplexity: Math.exp(loss),
    bitsPerByte: bitsPerByte(loss, { tokens, bytes }),
    bitsPerByteIsLowerBound: !tokenizer.lossless,
    tokens,
    bytes,
    vocabularySize,
    unknownRate: unknownShare(ids.subarray(1, tokens + 1), tokenizer.unknownId),
    floors: train && scoredFloors(ids, { targets: tokens, train, tokenizer }),
    floorTokens: train && train.length,
  };
}

function unknownShare(scored: Int32Array, unknownId: number | null): number | null {
  if (unknownId === null) return null;
  return scored.reduce((count, id) => count + (id === unknownId ? 1 : 0), 0) / scored.length;
}
