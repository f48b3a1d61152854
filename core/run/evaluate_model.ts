/** The loss of a saved model on a text, beside what counting alone reaches. */
import { bitsPerByte } from "../data/bits_per_byte.ts";
import { evaluationWindows } from "../data/evaluation_windows.ts";
import { countNgrams, type NgramFloor, ngramFloors, unigramLaw } from "../data/ngram_floors.ts";
import type { CorpusPart } from "../data/split_corpus.ts";
import type { Tokenizer } from "../data/tokenizer.ts";
import { verifyTokenization } from "../data/verify_tokenization.ts";
import { DataError } from "../errors.ts";
import { evaluateLoss } from "../evaluate/evaluate_loss.ts";
import { EVALUATION_SLOTS, evaluationPlan } from "../evaluate/evaluation_plan.ts";
import type { Backend } from "../plan/backend.ts";
import { parameterArena, stateArena } from "../train/model_tensors.ts";
import type { ModelFile } from "./model_file.ts";

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
  /** Tokens that were scored, and the bytes of their text. */
  readonly tokens: number;
  readonly bytes: number;
  readonly vocabularySize: number;
  /** Share of unknown tokens in the text; null where nothing is unknown. */
  readonly unknownRate: number | null;
  /** Orders 1 and 2 on the whole text; null without the text that they are counted on. */
  readonly floors: readonly NgramFloor[] | null;
}

const MAX_ORDER = 2;

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
  const { unknownRate } = verifyTokenization(tokenizer, { ...text.part, ids });
  if (ids.length <= seqLen) {
    throw new DataError(
      `Cannot score a text of ${ids.length} tokens: expected more than one window of ${seqLen}; give a longer ` +
        `text or a smaller --seq-len`,
    );
  }
  const evalTokens = Math.min(options.evalTokens ?? Infinity, ids.length - 1);
  const windows = evaluationWindows(ids, { seqLen, evalTokens });
  const shape = { batch: Math.min(batchSize, windows.windows), seqLen };
  const { vocabularySize } = tokenizer;
  const plan = evaluationPlan({ model, shape, vocabularySize });
  const program = await backend.compile(plan);
  try {
    program.write("param", parameterArena(plan, file));
    program.write("state", stateArena(plan, file));
    const loss = await evaluateLoss(program, { windows, shape, slots: EVALUATION_SLOTS });
    const tokens = windows.windows * seqLen;
    const ends = tokenizer.byteEnds(text.part);
    const bytes = ends[tokens] - ends[0];
    return {
      loss,
      perplexity: Math.exp(loss),
      bitsPerByte: bitsPerByte(loss, { tokens, bytes }),
      tokens,
      bytes,
      vocabularySize,
      unknownRate,
      floors: text.train && floorsOf(ids, { tokenizer, train: text.train }),
    };
  } finally {
    program.destroy();
  }
}

function floorsOf(ids: Int32Array, { tokenizer, train }: {
  readonly tokenizer: Tokenizer;
  readonly train: Pick<CorpusPart, "bytes" | "documentEnds">;
}): readonly NgramFloor[] {
  const { vocabularySize, kind } = tokenizer;
  const counts = countNgrams(tokenizer.encodePart(train), { vocabularySize, maxOrder: MAX_ORDER });
  return ngramFloors(ids, counts, { unigram: unigramLaw(kind) });
}
