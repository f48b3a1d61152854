/** Loss of a text in windows, for models with or without a state. */
import { cutWindows } from "../data/cut_windows.ts";
import { expectBatch } from "../data/expect_ids.ts";
import { DataError, UsageError } from "../errors.ts";
import type { ModelConfig } from "../models/registry.ts";
import { IGNORED_TARGET } from "../ops/target_mask.ts";
import type { Backend } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { evaluateLoss } from "./evaluate_loss.ts";
import { EVALUATION_SLOTS, evaluationPlan } from "./evaluation_plan.ts";
import type { StreamStart } from "./stream.ts";

export interface WindowLossOptions {
  readonly model: ModelConfig;
  readonly vocabularySize: number;
  /** Parameters and states for the plan of the windows. */
  readonly start: (plan: Plan) => StreamStart;
  /** The text, (T). */
  readonly ids: Int32Array;
  /** N, tokens per window. */
  readonly seqLen: number;
  /** Windows per batch at most. */
  readonly batchSize: number;
  /** Tokens of a window that the one before it scored: context alone. @default 0 */
  readonly overlap?: number;
}

/** A mean loss and what it is a mean over. */
export interface WindowLoss {
  /** Nats per token. */
  readonly loss: number;
  /** Tokens that were scored. */
  readonly tokens: number;
  readonly windows: number;
}

/**
 * Mean loss over the whole windows of a text: window w begins at token w (N - overlap). Each token is scored once; a
 * rest that does not fill a window is not scored.
 *
 * @throws {UsageError} If the overlap is no integer in 0..N-1
 * @throws {DataError} If the text is not longer than a window, or on an id outside the vocabulary
 */
export async function windowLoss(
  backend: Backend,
  options: WindowLossOptions,
): Promise<WindowLoss> {
  const { model, vocabularySize, start, seqLen } = options;
  const windows = overlappingWindows(options);
  expectBatch(windows, { vocabularySize, what: "the text" });
  const shape = { batch: Math.min(options.batchSize, windows.windows), seqLen };
  const program = await backend.compile(evaluationPlan({ model, shape, vocabularySize }));
  try {
    const { param, state } = start(program.plan);
    program.write("param", param);
    program.write("state", state);
    const loss = await evaluateLoss(program, { windows, shape, slots: EVALUATION_SLOTS });
    const tokens = windows.targets.reduce((sum, id) => id === IGNORED_TARGET ? sum : sum + 1, 0);
    return { loss, tokens, windows: windows.windows };
  } finally {
    program.destroy();
  }
}

function overlappingWindows({ ids, seqLen, overlap = 0 }: WindowLossOptions) {
  if (!(Number.isInteger(overlap) && overlap >= 0 && overlap < seqLen)) {
    throw new UsageError(
      `Cannot score windows of ${seqLen} tokens: at overlap: expected an integer in 0..${
        seqLen - 1
      }, got "${overlap}"`,
    );
  }
  if (ids.length <= seqLen) {
    throw new DataError(
      `Cannot score a text of ${ids.length} tokens: expected more than one window of ${seqLen}; give a longer ` +
        "text or shorter windows",
    );
  }
  const stride = seqLen - overlap;
  const windows = Math.floor((ids.length - 1 - seqLen) / stride) + 1;
  const starts = Array.from({ length: windows }, (_, w) => w * stride);
  const cut = cutWindows(ids, seqLen, starts);
  for (let w = 1; w < windows; w++) {
    cut.targets.fill(IGNORED_TARGET, w * seqLen, w * seqLen + overlap);
  }
  return { windows, ...cut };
}
