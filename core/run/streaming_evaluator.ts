/** Scores long texts with a saved model. docs/mathematics.md §4.2 and §12.6. */
import { loadUserCorpus } from "../data/load_user_corpus.ts";
import type { LoadedModel } from "./from_checkpoint.ts";
import type { ChunkOptions, StreamedLoss } from "./streamed_loss.ts";

/** Scores long texts with one model. */
export interface StreamingEvaluator {
  /**
   * Scores a UTF-8 text file, or a folder of them.
   *
   * @throws {DataError} If there is none, or it is no UTF-8 or shorter than 4096 bytes
   */
  readonly evaluateFile: (path: string) => Promise<StreamedLoss>;
  /**
   * Scores ids (T), of which the first is not predicted, and of the rest at most `maxTokens`.
   *
   * @throws {UsageError} If chunkSize or maxTokens is no integer >= 1, or overlap none in 0..chunkSize-1
   * @throws {DataError} If there are too few ids, or one is no integer in 0..V-1
   */
  readonly evaluateStreaming: (
    ids: ArrayLike<number>,
    options?: { readonly maxTokens?: number },
  ) => Promise<StreamedLoss>;
}

/**
 * An evaluator in which a state goes on from chunk to chunk: the loss is that of one forward pass over the whole
 * text, and the device's memory does not grow with the text. A model that cannot carry a state is scored in windows
 * of `chunkSize`, and the result says so.
 *
 * @example Usage
 * ```ts ignore
 * import { fromCheckpoint } from "./from_checkpoint.ts";
 * import { streamingEvaluator } from "./streaming_evaluator.ts";
 * await using model = await fromCheckpoint("checkpoints/small_model");
 * const evaluator = streamingEvaluator(model, { chunkSize: 8192 });
 * const { perplexity, tokens } = await evaluator.evaluateFile("book.txt");
 * ```
 */
export function streamingEvaluator(
  model: Pick<LoadedModel, "evaluateStream" | "tokenizer">,
  options: ChunkOptions = {},
): StreamingEvaluator {
  return {
    evaluateStreaming: (ids, how = {}) => model.evaluateStream(ids, { ...options, ...how }),
    evaluateFile: async (path) => {
      const { bytes, documents } = loadUserCorpus(path);
      const documentEnds = documents.map(({ end }) => end);
      const ids = model.tokenizer.encodePart({ bytes, documentEnds });
      return await model.evaluateStream(ids, options);
    },
  };
}
