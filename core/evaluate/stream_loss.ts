/** Loss of one long text, read from its beginning in constant memory. */
import type { Batch } from "../data/cut_windows.ts";
import { expectBatch } from "../data/expect_ids.ts";
import type { ModelConfig } from "../models/registry.ts";
import type { Backend } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { evaluateLoss } from "./evaluate_loss.ts";
import { EVALUATION_SLOTS } from "./evaluation_plan.ts";
import type { StreamStart } from "./stream.ts";
import { streamLossPlan } from "./streaming_plan.ts";

export interface StreamLossOptions {
  readonly model: ModelConfig;
  readonly vocabularySize: number;
  /** Parameters and first states. */
  readonly start: (plan: Plan) => StreamStart;
  /** The text, (T), and what follows each token, (T); targets of -100 are ignored. */
  readonly text: Batch;
  /** Tokens per step. @default 512 */
  readonly chunk?: number;
}

/**
 * Mean loss in nats per target over a text of T tokens as one sequence, however long.
 *
 * @throws {UsageError} If the model cannot stream
 * @throws {DataError} On an id outside the vocabulary, or if every target is ignored
 */
export async function streamLoss(backend: Backend, options: StreamLossOptions): Promise<number> {
  const { model, vocabularySize, start, text, chunk = 512 } = options;
  expectBatch(text, { vocabularySize, what: "the text of a stream" });
  const shape = { batch: 1, seqLen: chunk };
  const program = await backend.compile(streamLossPlan({ model, shape, vocabularySize }));
  try {
    const { param, state } = start(program.plan);
    program.write("param", param);
    program.write("state", state);
    // Chunks are windows that the state joins; what pads the last one has no target and comes after everything.
    const windows = { windows: Math.ceil(text.tokens.length / chunk), ...text };
    return await evaluateLoss(program, { windows, shape, slots: EVALUATION_SLOTS });
  } finally {
    program.destroy();
  }
}
