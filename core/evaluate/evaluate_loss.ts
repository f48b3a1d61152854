import { IGNORED_TARGET } from "../ops/target_mask.ts";
import type { EvaluationWindows } from "../data/evaluation_windows.ts";
import type { BatchShape } from "../models/model.ts";
import type { Program } from "../plan/backend.ts";

/**
 * Mean loss in nats per token over all windows, W of N tokens. A last batch that is not full is padded
 * with targets that do not count, and sums end in f64, in order.
 *
 * @param program A program of `evaluationPlan` for the given batch shape.
 */
export async function evaluateLoss(program: Program, options: {
  readonly windows: EvaluationWindows;
  readonly shape: BatchShape;
  /** Rows of the program's metric ring. */
  readonly slots: number;
}): Promise<number> {
  const { windows, shape: { batch, seqLen }, slots } = options;
  const size = batch * seqLen;
  const batches = Math.ceil(windows.windows / batch);
  let total = 0;
  for (let first = 0; first < batches; first += slots) {
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
      total += ring[index % slots] * Math.min(size, windows.tokens.length - index * size);
    }
  }
  return total / windows.tokens.length;
}
