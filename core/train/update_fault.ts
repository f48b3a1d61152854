import type { Batch } from "../data/cut_windows.ts";
import type { Trainer, UpdateMetrics } from "./trainer.ts";

/** What tells a step of training from one that is none. */
type Signs = Pick<UpdateMetrics, "finite" | "loss" | "gradNorm" | "featureNorm">;

/**
 * Why an update ends its run as diverged; null for a step of training. docs/mathematics.md §8.
 *
 * Values that overflow need not show as a loss that is not finite: where x^2 is infinite, RMS normalisation gives
 * x / infinity = 0. Where that is so for every row, all logits are 0 and the loss is that of a uniform prediction,
 * ln V. Auxiliary losses, which do not read the features, may have a gradient all the same.
 */
export function updateFault(signs: Signs): string | null {
  return signs.finite ? overflowFault(signs) : "loss or gradient is not finite";
}

/**
 * The same of the parameters after update `step`, which no update has read yet: update `step` is run once more from
 * there, and then everything is put back. Only an overflow is looked for, since it is what a score does not show.
 */
export async function faultAfter(
  trainer: Trainer,
  { batches, step }: { readonly batches: (step: number) => Batch; readonly step: number },
): Promise<string | null> {
  const state = await trainer.save(step);
  const [signs] = await trainer.advance(batches, { from: step - 1, to: step });
  trainer.restore(state);
  return overflowFault(signs);
}

/** In f32 a softmax that is rounded to its target has a loss of exactly 0: a model that has learned all is not meant. */
function overflowFault({ loss, gradNorm, featureNorm }: Signs): string | null {
  if (!(loss > 0)) return null;
  if (featureNorm === 0) {
    return "all final features are exactly 0, so that every prediction is uniform: values have overflowed";
  }
  return gradNorm === 0
    ? "the gradient is exactly 0 at a loss above 0: values have overflowed, and no parameter has an effect"
    : null;
}
