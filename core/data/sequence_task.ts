/** Sequences made by a rule instead of cut from a text. */
import type { Batch } from "./cut_windows.ts";
import type { EvaluationOptions, EvaluationWindows } from "./evaluation_windows.ts";

/** A source of sequences whose labelled targets fall into groups. */
export interface SequenceTask {
  /** V; ids are 0..V-1. */
  readonly vocabularySize: number;
  /** Names of the groups: the k-th labelled target of every sequence belongs to group k. */
  readonly groups: readonly string[];
  /** Share of labelled targets that guessing gets right. */
  readonly chance: number;
  /** Batches of a run; a pure function of seed and step, 0-based. */
  readonly trainingBatches: (options: {
    /** N, tokens per sequence. */
    readonly seqLen: number;
    /** B, sequences per batch. */
    readonly batchSize: number;
    readonly seed: number;
  }) => { readonly at: (step: number) => Batch };
  /** A fixed set of floor(evalTokens / N) sequences, the same for every seed. */
  readonly evaluationWindows: (options: EvaluationOptions) => EvaluationWindows;
}
