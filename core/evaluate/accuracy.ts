/** Share of labelled targets that a model's most probable token hits. */
import { expectBatch } from "../data/expect_ids.ts";
import type { EvaluationWindows } from "../data/evaluation_windows.ts";
import { DataError } from "../errors.ts";
import { i32 } from "../graph/shape.ts";
import { Graph } from "../graph/tensor.ts";
import { modelOf } from "../models/registry.ts";
import { matmul } from "../ops/matmul.ts";
import { IGNORED_TARGET } from "../ops/target_mask.ts";
import { topK } from "../ops/top_k.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import type { Backend, Program } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import type { EvaluationPlanOptions } from "./evaluation_plan.ts";

/** Counts of hits, the k-th labelled target of every sequence in group k. */
export interface GroupHits {
  /** Hits of each group. */
  readonly hits: readonly number[];
  /** Labelled targets of each group. */
  readonly targets: readonly number[];
}

/** Input tokens (B, N); output "predictions" (B N, 1) i32, the most probable id, the smaller of equal ones. */
export function predictionPlan(options: EvaluationPlanOptions): Plan {
  const { model: config, shape, vocabularySize } = options;
  const graph = new Graph();
  const tokens = graph.input("tokens", i32(shape.batch, shape.seqLen));
  const { features, head } = modelOf(config).forward(graph, {
    config,
    shape,
    vocabularySize,
    tokens,
    purpose: "evaluate",
  });
  graph.output("predictions", topK(matmul(features, head, { transposeB: true }), 1).indices);
  return compilePlan(graph);
}

/**
 * Hits of predictions (W N) by group.
 *
 * @throws {DataError} If a sequence has not exactly one labelled target for each group
 */
export function countHits(predictions: ArrayLike<number>, options: {
  readonly windows: EvaluationWindows;
  /** N, tokens per sequence. */
  readonly seqLen: number;
  /** Number of groups. */
  readonly groups: number;
}): GroupHits {
  const { windows: { windows, targets }, seqLen, groups } = options;
  const hits = Array<number>(groups).fill(0);
  for (let window = 0; window < windows; window++) {
    let group = 0;
    for (let row = window * seqLen; row < (window + 1) * seqLen; row++) {
      if (targets[row] === IGNORED_TARGET) continue;
      if (group < groups && predictions[row] === targets[row]) hits[group] += 1;
      group += 1;
    }
    if (group !== groups) {
      throw new DataError(
        `Cannot count hits: expected ${groups} labelled targets in sequence ${window}, got ${group}`,
      );
    }
  }
  return { hits, targets: Array<number>(groups).fill(windows) };
}

/**
 * Hits of a model with the present parameters of `parametersOf` on a fixed set of sequences.
 *
 * @throws {DataError} On an id outside the vocabulary, or as `countHits`
 */
export async function evaluateHits(
  backend: Backend,
  options: EvaluationPlanOptions & {
    readonly parametersOf: Program;
    readonly windows: EvaluationWindows;
    /** Number of groups. */
    readonly groups: number;
  },
): Promise<GroupHits> {
  const { parametersOf, shape: { batch, seqLen }, vocabularySize, windows, groups } = options;
  expectBatch(windows, { vocabularySize, what: "the evaluation windows" });
  const size = batch * seqLen;
  const predictions = new Int32Array(windows.tokens.length);
  const program = await backend.compile(predictionPlan(options), { parametersOf });
  try {
    for (let first = 0; first < predictions.length; first += size) {
      const part = windows.tokens.subarray(first, first + size);
      const tokens = new Int32Array(size); // the last batch is filled up with id 0
      tokens.set(part);
      await program.step({ tokens });
      const found = await program.read("predictions");
      predictions.set(found.subarray(0, part.length), first);
    }
  } finally {
    program.destroy();
  }
  return countHits(predictions, { windows, seqLen, groups });
}
