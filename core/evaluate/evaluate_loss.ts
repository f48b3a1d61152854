import { DataError, InterruptedError } from "../errors.ts";
import { IGNORED_TARGET } from "../ops/target_mask.ts";
import type { EvaluationWindows } from "../data/evaluation_windows.ts";
import type { BatchShape } from "../models/model.ts";
import type { Program } from "../plan/backend.ts";

/**
 * Mean loss in nats per target over all windows, W of N tokens. Targets of `IGNORED_TARGET` (-100) are in
 * neither the sum nor its count; a last batch that is not full is padded with them. Sums end in f64, in order.
 *
 * @param program A program of `evaluationPlan` for the given batch shape.
 * @throws {DataError} If every target is ignored
 * @throws {InterruptedError} If the signal is aborted before the last batch has ended
 */
export async function evaluateLoss(program: Program, options: {
  readonly windows: EvaluationWindows;
  readonly shape: BatchShape;
  /** Rows of the program's metric ring. */
  readonly slots: number;
  /** Looked at between batches, which then wait for each other. */
  readonly signal?: AbortSignal;
}): Promise<number> {
  const { windows, shape: { batch, seqLen }, signal } = options;
  const slots = signal ? 1 : options.slots;
  const size = batch * seqLen;
  const batches = Math.ceil(windows.windows / batch);
  // Rings hold the means of batches, which count as much as they have targets.
  const targetsOf = (index: number): number =>
    windows.targets.subarray(index * size, (index + 1) * size)
      .reduce((count, target) => target === IGNORED_TARGET ? count : count + 1, 0);
  let total = 0;
  let counted = 0;
  for (let first = 0; first < batches; first += slots) {
    if (signal?.aborted) throw new InterruptedError("Stopped in mid-evaluation");
    const last = Math.min(first + slots, batches);
    for (let index = first; index < last; index++) {
      const tokens = new Int32Array(size);
      const targets = new Int32Array(size).fill(IGNORED_TARGET);
      tokens.set(windows.tokens.subarray(index * size, (index + 1) * size));
      targets.set(windows.targets.subarray(index * size, (index + 1) * size));
      program.step({ tokens, targets, slot: Int32Array.of(index % slots) });
    }
    const [ring] = await program.readArenas(["metric"]);
    for (let index = first; index < last; index++) {
      const targets = targetsOf(index);
      total += ring[index % slots] * targets;
      counted += targets;
    }
  }
  if (counted === 0) {
    throw new DataError("Cannot evaluate: every target is ignored, expected one that is not");
  }
  return total / counted;
}
