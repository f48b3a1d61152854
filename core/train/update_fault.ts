import type { UpdateMetrics } from "./trainer.ts";

/**
 * Why an update ends its run as diverged; null for a step of training. docs/mathematics.md §8.
 *
 * Values that overflow need not show as a loss that is not finite: where x^2 is infinite, RMS normalisation gives
 * x / infinity = 0, all logits are 0, and the loss is that of a uniform prediction, ln V, from then on. No parameter
 * has an effect any more, so the gradient is exactly 0, which it cannot be otherwise: in f32 a softmax that is
 * rounded to its target has a loss of exactly 0.
 */
export function updateFault(
  { finite, loss, gradNorm }: Pick<UpdateMetrics, "finite" | "loss" | "gradNorm">,
): string | null {
  if (!finite) return "loss or gradient is not finite";
  if (gradNorm === 0 && loss > 0) {
    return "the gradient is exactly 0 at a loss above 0: values have overflowed, and no parameter has an effect";
  }
  return null;
}
