/**
 * One training run: a compiled update and the loop over it. Time is not known here; whoever calls decides
 * when to evaluate, to save and what to print.
 */
import type { Batch } from "../data/cut_windows.ts";
import { expectBatch } from "../data/expect_ids.ts";
import type { BatchShape } from "../models/model.ts";
import type { ModelConfig } from "../models/registry.ts";
import type { Backend, Program, StepInput } from "../plan/backend.ts";
import { streamPosition } from "../ops/threefry.ts";
import type { ActivationStorage } from "../plan/differentiate.ts";
import type { Plan } from "../plan/plan.ts";
import { type Stream, stream } from "../random/streams.ts";
import { initialParameters, initialStates } from "./initial_parameters.ts";
import { integerPower, learningRate, type ScheduleSettings } from "./learning_rate.ts";
import { type DiagnosticColumns, METRIC_COLUMNS, RING_SLOTS } from "./metric_columns.ts";
import { scheduledInputs } from "./scheduled_inputs.ts";
import {
  microBatchInputs,
  NOISE_PREFIX,
  type OptimiserSettings,
  parameterCount,
  trainingStep,
} from "./training_graph.ts";

export interface TrainerSettings {
  readonly model: ModelConfig;
  readonly shape: BatchShape;
  readonly vocabularySize: number;
  readonly seed: number;
  readonly optimiser: OptimiserSettings;
  readonly schedule: ScheduleSettings;
  /** Micro-batches per update; a batch has so many times the rows of `shape`. @default 1 */
  readonly accumulation?: number;
  /** Computes the inner values of each block again in the backward pass. @default false */
  readonly checkpointing?: boolean;
  /** Storage of what the forward pass leaves to the backward pass. @default "f32" */
  readonly activationStorage?: ActivationStorage;
  /** Keeps AdamW's moments in host memory between updates. @default false */
  readonly offloadMoments?: boolean;
  /** Records what the model wants watched with every update. @default false */
  readonly diagnostics?: boolean;
}

/** What one update did. */
export interface UpdateMetrics {
  /** Updates done, this one included. */
  readonly step: number;
  /** Nats per token on the update's batch, before the update. */
  readonly loss: number;
  /** Norm of the gradient before clipping. */
  readonly gradNorm: number;
  /** Norm of the final features of all rows, before the update; micro-batches are summed. */
  readonly featureNorm: number;
  readonly learningRate: number;
  /** Whether loss and gradient are finite. */
  readonly finite: boolean;
  /** Values that the model wants watched, by name; empty unless they were asked for. */
  readonly diagnostics: Readonly<Record<string, readonly number[]>>;
}

/** Everything a run needs to go on: parameters, both moments and states, in the plan's layout. */
export interface TrainerState {
  readonly step: number;
  readonly param: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly state: Float32Array;
}

/** A run in progress. The owner calls `destroy`. */
export interface Trainer {
  /** The compiled update; an evaluator shares its parameters. */
  readonly program: Program;
  readonly parameterCount: number;
  readonly planDigest: string;
  /** Runs updates `from + 1` to `to` and returns their metrics in order. */
  advance(
    batches: (step: number) => Batch,
    span: { readonly from: number; readonly to: number },
  ): Promise<
    readonly UpdateMetrics[]
  >;
  save(step: number): Promise<TrainerState>;
  restore(state: TrainerState): void;
  destroy(): void;
}

/** Arenas that a run goes on from. */
const STATE_ARENAS = ["param", "m", "v", "state"] as const;

/** Compiles a run and sets its initial parameters. */
export async function createTrainer(backend: Backend, settings: TrainerSettings): Promise<Trainer> {
  const { plan, diagnostics } = trainingStep(settings);
  const program = await backend.compile(plan);
  program.write("param", initialParameters(plan, settings.seed));
  program.write("state", initialStates(plan));
  return {
    program,
    parameterCount: parameterCount(plan),
    planDigest: plan.digest,
    advance: (batches, span) => advance(program, { settings, diagnostics, batches, ...span }),
    save: async (step) => {
      const [param, m, v, state] = await program.readArenas(STATE_ARENAS);
      return { step, param, m, v, state };
    },
    restore: (state) => STATE_ARENAS.forEach((arena) => program.write(arena, state[arena])),
    destroy: () => program.destroy(),
  };
}

async function advance(update: Program, options: {
  readonly settings: TrainerSettings;
  readonly diagnostics: readonly DiagnosticColumns[];
  readonly batches: (step: number) => Batch;
  readonly from: number;
  readonly to: number;
}): Promise<readonly UpdateMetrics[]> {
  const { settings, diagnostics, batches, from, to } = options;
  const noise = noiseStreams(update.plan, settings.seed);
  const scheduled = scheduledInputs(update.plan, settings);
  const done: UpdateMetrics[] = [];
  // The ring holds so many updates; it is read when it is full or the span ends.
  for (let first = from; first < to; first += RING_SLOTS) {
    const last = Math.min(first + RING_SLOTS, to);
    for (let index = first; index < last; index++) {
      const batch = batches(index);
      expectBatch(batch, {
        vocabularySize: settings.vocabularySize,
        what: `the batch of update ${index + 1}`,
      });
      await update.step({
        ...microBatches(batch, settings),
        schedule: scheduleOf(settings, index + 1),
        slot: Int32Array.of(index % RING_SLOTS),
        ...scheduled(index + 1),
        ...Object.fromEntries(
          noise.map(([name, from]) => [name, streamPosition(from, index + 1)]),
        ),
      });
    }
    const [ring] = await update.readArenas(["metric"]);
    for (let index = first; index < last; index++) {
      done.push(rowOf(ring, { settings, diagnostics, index }));
    }
  }
  return done;
}

/** The batch cut into micro-batches, by the names of the plan's inputs. */
function microBatches({ tokens, targets }: Batch, settings: TrainerSettings): StepInput {
  const size = settings.shape.batch * settings.shape.seqLen;
  const inputs: Record<string, Int32Array> = {};
  for (let index = 0; index < (settings.accumulation ?? 1); index++) {
    const names = microBatchInputs(index);
    inputs[names.tokens] = tokens.subarray(index * size, (index + 1) * size);
    inputs[names.targets] = targets.subarray(index * size, (index + 1) * size);
  }
  return inputs;
}

/** Learning rate and bias corrections of update t = 1, 2, …, as the op adamw takes them. */
function scheduleOf({ schedule, optimiser }: TrainerSettings, t: number): Float32Array {
  return Float32Array.of(
    learningRate(schedule, t),
    1 / (1 - integerPower(optimiser.beta1, t)),
    1 / (1 - integerPower(optimiser.beta2, t)),
  );
}

/** The random streams that a plan draws from, by the names of their inputs. */
function noiseStreams(plan: Plan, seed: number): readonly (readonly [string, Stream])[] {
  return [...plan.inputs.keys()].filter((name) => name.startsWith(NOISE_PREFIX))
    .map((name) => [name, stream(seed, name)] as const);
}

function rowOf(ring: Float32Array, { settings, diagnostics, index }: {
  readonly settings: TrainerSettings;
  readonly diagnostics: readonly DiagnosticColumns[];
  readonly index: number;
}): UpdateMetrics {
  const at = (index % RING_SLOTS) * (ring.length / RING_SLOTS);
  const loss = ring[at + METRIC_COLUMNS.loss];
  const gradNorm = ring[at + METRIC_COLUMNS.gradNorm];
  const bad = ring[at + METRIC_COLUMNS.nonFinite];
  return {
    step: index + 1,
    loss,
    gradNorm,
    featureNorm: ring[at + METRIC_COLUMNS.featureNorm],
    learningRate: learningRate(settings.schedule, index + 1),
    // An infinite norm of finite values would scale the whole update to zero.
    finite: Number.isFinite(loss) && Number.isFinite(gradNorm) && bad === 0,
    diagnostics: Object.fromEntries(
      diagnostics.map(({ name, column, width }) => [
        name,
        Array.from(ring.subarray(at + column, at + column + width)),
      ]),
    ),
  };
}
