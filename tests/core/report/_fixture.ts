/**
 * Made-up records for tests of the report. Nothing here was measured: losses follow a formula, so that
 * tables, figures and the paper can be checked without training anything.
 */
import type { LeakFacts, MetricLine, RunRecord } from "../../../core/store/record.ts";
import { exactNumber } from "../../../core/store/exact_number.ts";
import { RECORD_SCHEMA } from "../../../core/store/record.ts";
import {
  comparisonsAgainstFirst,
  type PlannedUnit,
  REPORT_PLAN_SCHEMA,
  type ReportPlan,
} from "../../../core/report/report_plan.ts";
import type { ReportInput } from "../../../core/report/summaries.ts";

/** What to make. */
export interface FixtureOptions {
  readonly profile?: string;
  readonly lengths?: readonly number[];
  readonly seeds?: readonly number[];
  /** Units that diverge half-way. */
  readonly diverged?: (unit: PlannedUnit) => boolean;
  /** Final validation loss, instead of the last point of the made-up curve. */
  readonly finalLoss?: (unit: PlannedUnit) => number;
  /** What the audit of a unit found; nothing leaks without it. */
  readonly leak?: (unit: PlannedUnit) => LeakFacts;
  /** Units without a record. */
  readonly missing?: (unit: PlannedUnit) => boolean;
}

const ARMS = ["resnet-bk", "transformer"] as const;
const STEPS = 24;
const TOKENS_PER_STEP = 512;
const EVAL_EVERY = 8;

/** A complete made-up campaign. */
export function fixture(options: FixtureOptions = {}): ReportInput {
  const { profile = "smoke", lengths = [128, 512], seeds = [42, 43, 44, 45, 46, 47, 48, 49] } =
    options;
  const units = ARMS.flatMap((arm) =>
    lengths.flatMap((seqLen) =>
      seeds.map((seed) => ({ key: keyOf(arm, seqLen, seed), arm, seqLen, seed }))
    )
  );
  const plan: ReportPlan = {
    schema: REPORT_PLAN_SCHEMA,
    experiment: "phase4",
    title: "Long-context stability",
    profile,
    arms: ARMS,
    lengths,
    seeds,
    units,
    comparisons: comparisonsAgainstFirst(ARMS, lengths),
    alpha: 0.05,
    onDivergence: "worst",
  };
  const sealed = units.filter((unit) => !(options.missing?.(unit) ?? false));
  const made = sealed.map((unit) => ({ unit, diverged: options.diverged?.(unit) ?? false }));
  return {
    plan,
    records: made.map((one) =>
      recordOf(plan, one, {
        finalLoss: options.finalLoss?.(one.unit) ?? lossAt(one.unit, 1) + 0.03,
        leak: options.leak?.(one.unit) ?? { leaks: false, largestChange: 0, gainNats: null },
      })
    ),
    curves: new Map(made.map((one) => [one.unit.key, linesOf(one)])),
  };
}

interface Made {
  readonly unit: PlannedUnit;
  readonly diverged: boolean;
}

function keyOf(arm: string, seqLen: number, seed: number): string {
  return `${arm}-${seqLen}-${seed}`.split("").map((c) => c.charCodeAt(0).toString(16)).join("")
    .padEnd(64, "0").slice(0, 64);
}

/** Loss after a fraction of training in nats per token, with a ripple that depends on the seed. */
function lossAt(unit: PlannedUnit, fraction: number): number {
  const speed = unit.arm === "resnet-bk" ? 2.1 : 1.9;
  const phase = unit.seed * 12.9 + unit.seqLen + (unit.arm === "resnet-bk" ? 0 : 2);
  const ripple = 0.06 * Math.sin(phase + fraction * 40) + 0.05 * Math.sin(3 * phase);
  return 3.1 + 2.44 * Math.exp(-speed * fraction) + ripple * fraction +
    (unit.seqLen > 128 ? 0.06 : 0);
}

function linesOf({ unit, diverged }: Made): readonly MetricLine[] {
  const lines: MetricLine[] = [];
  const add = (step: number, name: string, value: number | string): void => {
    lines.push({ step, tokens: step * TOKENS_PER_STEP, name, value });
  };
  for (let step = 0; step <= STEPS; step++) {
    const late = diverged && step > STEPS / 2;
    if (step > 0) add(step, "loss", late ? "NaN" : lossAt(unit, step / STEPS));
    if (step > 0 && !late) add(step, "grad_norm", 1.5 - step / STEPS + (unit.seed - 45) / 20);
    if (step % EVAL_EVERY === 0 && !late) add(step, "val_loss", lossAt(unit, step / STEPS) + 0.03);
  }
  return lines;
}

function recordOf(plan: ReportPlan, { unit, diverged }: Made, found: {
  readonly finalLoss: number;
  readonly leak: LeakFacts;
}): RunRecord {
  return {
    schema: RECORD_SCHEMA,
    key: unit.key,
    name: `phase4/${plan.profile}/${unit.arm}/seq_len=${unit.seqLen}/seed=${unit.seed}`,
    experiment: "phase4",
    profile: plan.profile,
    arm: unit.arm,
    cell: { seq_len: unit.seqLen },
    seed: unit.seed,
    manifestDigest: "a".repeat(64),
    config: configOf(unit),
    data: {
      corpus: { id: "made-up", sha256: "b".repeat(64), title: "Made-up text for tests" },
      floors: { unigram: 3.31, bigram: 2.87 },
    },
    code: { digest: "c".repeat(64), revision: "d".repeat(40), dirty: false },
    environment: {
      deno: "2.9.6",
      v8: "14.0",
      typescript: "5.9.2",
      os: "linux",
      arch: "x86_64",
    },
    engine: {
      backend: "reference",
      preset: "portable",
      planDigest: "e".repeat(64),
      shaderDigest: "f".repeat(64),
      adapter: null,
      selfTest: null,
    },
    outcome: diverged
      ? { kind: "diverged", step: STEPS / 2 + 1, reason: "loss is NaN" }
      : { kind: "ok" },
    metrics: { val_loss: diverged ? null : exactNumber(found.finalLoss) },
    leak: diverged ? null : found.leak,
    parameters: { count: unit.arm === "resnet-bk" ? 54321 : 61234, digest: "0".repeat(64) },
    outputs: [],
    warnings: [],
    timing: {
      startedAt: "2000-01-01T00:00:00Z",
      endedAt: "2000-01-01T00:00:01Z",
      wallSeconds: 1,
      trainSeconds: 1,
      evaluateSeconds: 0,
      tokensPerSecond: 1,
      host: "none",
      attempts: 1,
    },
  };
}

function configOf(unit: PlannedUnit): RunRecord["config"] {
  const common = { d_model: 32, n_layers: 2, tie_head: true };
  return {
    data: {
      corpus: { id: "made-up", sha256: "b".repeat(64), split: "interleave" },
      tokenizer: { kind: "byte" },
    },
    model: unit.arm === "resnet-bk"
      ? {
        kind: "resnet-bk",
        ...common,
        bk_channels: 4,
        num_experts: 4,
        top_k: 1,
        v_max: 3,
        eta_init: 1,
        eta_min: 0.1,
      }
      : { kind: "transformer", ...common, n_heads: 4 },
    train: {
      steps: STEPS,
      tokens_per_step: TOKENS_PER_STEP,
      learning_rate: 0.001,
      warmup_steps: 2,
      weight_decay: 0.01,
      beta1: 0.9,
      beta2: 0.95,
      grad_clip: 1,
      eval_every: EVAL_EVERY,
      eval_tokens: 4096,
      log_every: 1,
    },
    seq_len: unit.seqLen,
    seed: unit.seed,
  };
}
