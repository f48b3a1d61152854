import type { EvaluationWindows } from "../data/evaluation_windows.ts";
import type { BatchShape } from "../models/model.ts";
import { IGNORED_TARGET } from "../ops/target_mask.ts";
import type { Program } from "../plan/backend.ts";
import { mean } from "../stats/mean.ts";
import { sampleStandardDeviation } from "../stats/sample_standard_deviation.ts";

/** What later tokens are worth to a model, in nats per token. */
export interface LeakGain {
  /** `honest` minus `usual`, paired by target: positive where seeing later tokens lowers the loss. */
  readonly nats: number;
  /** Of `nats`, from the means of windows; null with a single window. */
  readonly standardError: number | null;
  /** Targets scored. */
  readonly targets: number;
  /** Loss of the targets in windows of N tokens, as every evaluation has it. */
  readonly usual: number;
  /** Loss of the same targets where each is the last of its sequence, so that no later token exists. */
  readonly honest: number;
}

export interface LeakGainOptions {
  /** Windows (W, N) of text; every target counts. */
  readonly windows: EvaluationWindows;
  /** B windows of N tokens at a time; parts of windows are scored with about as many tokens at a time. */
  readonly shape: BatchShape;
}

/** A program with inputs tokens (B, N), targets (B N) and output "row_losses" (B N), as `rowLossesPlan` makes it. */
export type RowLossPrograms = (shape: BatchShape) => Promise<Program>;

/**
 * The loss of two targets of each window, once within windows of N tokens and once at the end of the part of the window
 * that comes before them. Both have the same past, so the difference is what later tokens give: for a causal model 0
 * but for rounding.
 */
export async function leakGain(
  programAt: RowLossPrograms,
  options: LeakGainOptions,
): Promise<LeakGain> {
  const { windows, shape } = options;
  const { batch, seqLen } = shape;
  const lengths = prefixLengths(seqLen);
  const usual = await lossesAt(programAt, { windows, seqLen, shape, lengths });
  const honest: Float64Array[] = [];
  for (const length of lengths) {
    // With as many tokens at a time, kernels that know no sequences are compiled already.
    const prefixes = { batch: Math.max(1, Math.floor(batch * seqLen / length)), seqLen: length };
    honest.push(
      await lossesAt(programAt, { windows, seqLen, shape: prefixes, lengths: [length] }),
    );
  }
  const gains = Array.from(
    { length: windows.windows },
    (_, window) =>
      mean(lengths.map((_, k) => honest[k][window] - usual[window * lengths.length + k])),
  );
  return {
    nats: mean(gains),
    standardError: gains.length < 2
      ? null
      : sampleStandardDeviation(gains) / Math.sqrt(gains.length),
    targets: usual.length,
    usual: mean([...usual]),
    honest: mean(honest.flatMap((losses) => [...losses])),
  };
}

/** Lengths of the parts of a window that end at its targets: a quarter and a half, and at least one token. */
export function prefixLengths(seqLen: number): readonly number[] {
  return [...new Set([4, 2].map((parts) => Math.max(1, Math.floor(seqLen / parts))))];
}

interface Scored {
  readonly windows: EvaluationWindows;
  /** N, tokens per window. */
  readonly seqLen: number;
  /** Windows at a time, and how many tokens of each, from its first. */
  readonly shape: BatchShape;
  /** Tokens up to and with the one whose target is scored. */
  readonly lengths: readonly number[];
}

/** Losses (W, lengths) of the targets of the last of the first `length` tokens of each window. */
async function lossesAt(programAt: RowLossPrograms, scored: Scored): Promise<Float64Array> {
  const { windows: { windows }, shape: { batch }, lengths } = scored;
  const program = await programAt(scored.shape);
  try {
    const losses = new Float64Array(windows * lengths.length);
    for (let first = 0; first < windows; first += batch) {
      const rows = await lossesOfBatch(program, { ...scored, first });
      losses.set(rows, first * lengths.length);
    }
    return losses;
  } finally {
    program.destroy();
  }
}

/** The losses of windows `first`, `first` + 1, …, as many as there are up to a whole batch. */
async function lossesOfBatch(
  program: Program,
  { windows, seqLen, shape, lengths, first }: Scored & { readonly first: number },
): Promise<readonly number[]> {
  // The rest of a last batch that is not full has tokens 0 and no targets.
  const tokens = new Int32Array(shape.batch * shape.seqLen);
  const targets = new Int32Array(shape.batch * shape.seqLen).fill(IGNORED_TARGET);
  const rows: number[] = [];
  for (let row = 0; row < Math.min(shape.batch, windows.windows - first); row++) {
    const from = (first + row) * seqLen;
    tokens.set(windows.tokens.subarray(from, from + shape.seqLen), row * shape.seqLen);
    for (const length of lengths) {
      const at = row * shape.seqLen + length - 1;
      targets[at] = windows.targets[from + length - 1];
      rows.push(at);
    }
  }
  await program.step({ tokens, targets });
  const losses = await program.read("row_losses");
  return rows.map((row) => losses[row]);
}
