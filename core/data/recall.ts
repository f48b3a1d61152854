/**
 * Recall over a distance: a value is shown once and asked for again and again, exactly `lag` tokens later for
 * each lag of a list. What stands between is random and says nothing about the value.
 *
 * A sequence of N tokens, L = the longest lag, K values, F fillers:
 *   s         the mark STORE; s is uniform on 0..N-2-L
 *   s+1       the value, one of K
 *   s+1+lag   the mark ASK for each lag; its target is the value
 *   others    fillers, uniform on F ids; every target but those of ASK is ignored
 * The answer itself never stands in the tokens, so a later question is no easier for an earlier one. Chance is 1/K.
 *
 * Token i of sequence n is a function of (split, seed, n, i), so that any sequence can be made without the others.
 * Training draws from the stream "recall/train" of the run's seed; evaluation from "recall/test" of seed 0, the
 * same sequences for every run. Both are keyed apart from each other (docs/mathematics.md §9).
 */
import { DataError } from "../errors.ts";
import { IGNORED_TARGET } from "../ops/target_mask.ts";
import { bits, type Stream, stream } from "../random/streams.ts";
import type { Batch } from "./cut_windows.ts";
import type { SequenceTask } from "./sequence_task.ts";

/** What is recalled and after how many tokens. */
export interface RecallSettings {
  /** Distances from the value to the places where it is asked for, ascending. */
  readonly lags: readonly number[];
  /** K, number of values. */
  readonly values: number;
  /** F, number of fillers. */
  readonly fillers: number;
}

/** Marks a value that follows. */
export const STORE = 0;
/** Asks for the value. */
export const ASK = 1;
/** Id of the first value; fillers stand behind the last. */
const FIRST_VALUE = 2;

/** Smallest N that holds the mark, the value and its last question. */
export function shortestRecall({ lags }: Pick<RecallSettings, "lags">): number {
  return Math.max(...lags) + 2;
}

/** The task with V = K + F + 2 token ids, one group of targets for each lag. */
export function recallTask(settings: RecallSettings): SequenceTask {
  const { lags, values, fillers } = settings;
  return {
    vocabularySize: values + fillers + FIRST_VALUE,
    groups: lags.map(String),
    chance: 1 / values,
    trainingBatches: ({ seqLen, batchSize, seed }) => {
      const from = stream(seed, "recall/train");
      return {
        at: (step) => sequences(settings, { from, seqLen, first: step * batchSize, batchSize }),
      };
    },
    evaluationWindows: ({ seqLen, evalTokens }) => {
      const windows = Math.floor(evalTokens / seqLen);
      const from = stream(0, "recall/test");
      return { windows, ...sequences(settings, { from, seqLen, first: 0, batchSize: windows }) };
    },
  };
}

/** Sequences `first` to `first + batchSize - 1` of a stream, tokens and targets (B, N). */
function sequences(settings: RecallSettings, at: {
  readonly from: Stream;
  readonly seqLen: number;
  readonly first: number;
  readonly batchSize: number;
}): Batch {
  const { from, seqLen, first, batchSize } = at;
  const needed = shortestRecall(settings);
  if (seqLen < needed) {
    throw new DataError(
      `Cannot ask for a value after ${
        needed - 2
      } tokens in sequences of ${seqLen}: expected seq_len >= ${needed}`,
    );
  }
  const tokens = new Int32Array(batchSize * seqLen);
  const targets = new Int32Array(batchSize * seqLen).fill(IGNORED_TARGET);
  for (let row = 0; row < batchSize; row++) {
    const begin = row * seqLen;
    writeSequence(settings, {
      from,
      index: first + row,
      tokens: tokens.subarray(begin, begin + seqLen),
      targets: targets.subarray(begin, begin + seqLen),
    });
  }
  return { tokens, targets };
}

function writeSequence(settings: RecallSettings, into: {
  readonly from: Stream;
  readonly index: number;
  readonly tokens: Int32Array;
  readonly targets: Int32Array;
}): void {
  const { lags, values, fillers } = settings;
  const { from, index, tokens, targets } = into;
  // 2^32 mod n below 2^8 makes one id at most 2^-24 likelier than another.
  const draw = (place: number, n: number): number => bits(from, { step: index, index: place }) % n;
  for (let i = 0; i < tokens.length; i++) {
    tokens[i] = FIRST_VALUE + values + draw(i, fillers);
  }
  // Behind the places of the tokens, so that the same word is never drawn twice.
  const start = draw(tokens.length, tokens.length - shortestRecall(settings) + 1);
  const value = FIRST_VALUE + draw(tokens.length + 1, values);
  tokens[start] = STORE;
  tokens[start + 1] = value;
  for (const lag of lags) {
    tokens[start + 1 + lag] = ASK;
    targets[start + 1 + lag] = value;
  }
}
