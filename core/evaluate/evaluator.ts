/** A compiled evaluation that shares the parameters of a training program. */
import { expectBatch } from "../data/expect_ids.ts";
import type { EvaluationWindows } from "../data/evaluation_windows.ts";
import type { Backend, Program } from "../plan/backend.ts";
import { evaluateLoss } from "./evaluate_loss.ts";
import { EVALUATION_SLOTS, evaluationPlan, type EvaluationPlanOptions } from "./evaluation_plan.ts";

/** The owner calls `destroy`, before the program whose parameters it uses. */
export interface Evaluator {
  /**
   * Mean loss in nats per target over a fixed set of windows.
   * @throws {DataError} On an id outside the vocabulary, or if every target is ignored
   * @throws {InterruptedError} If the signal is aborted before the last batch has ended
   */
  evaluate(
    windows: EvaluationWindows,
    options?: { readonly signal?: AbortSignal },
  ): Promise<number>;
  destroy(): void;
}

/** Compiles the evaluation of a model with the present parameters of `parametersOf`. */
export async function createEvaluator(
  backend: Backend,
  options: EvaluationPlanOptions & { readonly parametersOf: Program },
): Promise<Evaluator> {
  const { parametersOf, shape, vocabularySize } = options;
  const program = await backend.compile(evaluationPlan(options), { parametersOf });
  return {
    evaluate: async (windows, until = {}) => {
      expectBatch(windows, { vocabularySize, what: "the evaluation windows" });
      return await evaluateLoss(program, {
        ...until,
        windows,
        shape,
        slots: EVALUATION_SLOTS,
      });
    },
    destroy: () => program.destroy(),
  };
}
