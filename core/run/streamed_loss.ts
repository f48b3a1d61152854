/** Loss of a text as one sequence that is read in chunks. docs/mathematics.md §4.2 and §12.6. */
import { DataError } from "../errors.ts";
import { streamLoss } from "../evaluate/stream_loss.ts";
import { windowLoss } from "../evaluate/window_loss.ts";
import type { Backend } from "../plan/backend.ts";
import { idArray } from "./id_array.ts";
import type { ModelFile } from "./model_file.ts";
import { modelStart } from "./model_start.ts";
import { carriesState } from "./open_text.ts";
import { requireIntegers } from "./require_integers.ts";

/** How a text is read. */
export interface ChunkOptions {
  /** Tokens per step. Without it 8192, or the length of training for a model that cannot carry a state. */
  readonly chunkSize?: number;
  /**
   * Least number of earlier tokens that a token beyond the first chunk is predicted from, in 0..chunkSize-1. A model
   * that carries a state predicts from all of them, whatever is said here; one that cannot reads so many tokens of
   * the chunk before again.
   * @default {0}
   */
  readonly overlap?: number;
}

/** How much of a text is read, and how. */
export interface StreamedLossOptions extends ChunkOptions {
  /** Tokens to score from the first on; without it all. */
  readonly maxTokens?: number;
}

/** The loss of a text that was read in chunks. */
export interface StreamedLoss {
  /** Nats per token. */
  readonly loss: number;
  /** exp(loss). */
  readonly perplexity: number;
  /** Tokens that were scored. */
  readonly tokens: number;
  /** Chunks that were read. */
  readonly chunks: number;
  /** Whether a state was carried through the whole text; if not, each chunk began anew. */
  readonly carriesState: boolean;
  /** Whether a prediction depends on later tokens; the loss of such a model is no evidence. */
  readonly leaks: boolean;
}

/**
 * Scores ids (T), of which the first is not predicted: with a state that goes on from chunk to chunk, or in windows
 * for a model that has none; then a rest that does not fill a window is not scored.
 *
 * @throws {UsageError} If sizes are out of their range
 * @throws {DataError} If there are too few ids, or one is no integer in 0..V-1
 * @throws {StoreError} If the model does not fit windows of `chunkSize`
 */
export async function streamedLoss(ids: ArrayLike<number>, { file, backend, how }: {
  readonly file: ModelFile;
  readonly backend: Backend;
  readonly how: StreamedLossOptions;
}): Promise<StreamedLoss> {
  const carries = carriesState(file);
  const { chunkSize = carries ? 8192 : file.seqLen, overlap = 0, maxTokens } = how;
  requireIntegers("score a text", {
    chunkSize: [chunkSize, 1],
    overlap: [overlap, 0],
    "chunkSize - overlap": [chunkSize - overlap, 1],
    maxTokens: [maxTokens ?? 1, 1],
  });
  const { vocabularySize } = file.tokenizer;
  const all = idArray(ids, { vocabularySize, what: "the text", expected: "an array of its ids" });
  const text = maxTokens === undefined ? all : all.subarray(0, maxTokens + 1);
  const score = carries ? inOneSequence : inWindows;
  const result = await score(text, { file, backend, chunkSize, overlap });
  const perplexity = Math.exp(result.loss);
  return { ...result, perplexity, carriesState: carries, leaks: file.leaks };
}

type Scored = Pick<StreamedLoss, "loss" | "tokens" | "chunks">;

interface Chunked {
  readonly file: ModelFile;
  readonly backend: Backend;
  readonly chunkSize: number;
  readonly overlap: number;
}

async function inOneSequence(
  ids: Int32Array,
  { file, backend, chunkSize }: Chunked,
): Promise<Scored> {
  const tokens = ids.length - 1;
  if (tokens < 1) {
    throw new DataError(
      `Cannot score a text of ${ids.length} tokens: expected 2 or more, as the first is not predicted`,
    );
  }
  const chunk = Math.min(chunkSize, tokens);
  const loss = await streamLoss(backend, {
    model: file.model,
    vocabularySize: file.tokenizer.vocabularySize,
    start: modelStart(file),
    text: { tokens: ids.slice(0, -1), targets: ids.slice(1) },
    chunk,
  });
  return { loss, tokens, chunks: Math.ceil(tokens / chunk) };
}

async function inWindows(
  ids: Int32Array,
  { file, backend, chunkSize, overlap }: Chunked,
): Promise<Scored> {
  const { loss, tokens, windows } = await windowLoss(backend, {
    model: file.model,
    vocabularySize: file.tokenizer.vocabularySize,
    start: modelStart(file, { seqLen: chunkSize }),
    ...{ ids, seqLen: chunkSize, overlap, batchSize: 1 },
  });
  return { loss, tokens, chunks: windows };
}
