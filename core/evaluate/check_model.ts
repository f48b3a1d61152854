/**
 * What every model must show before it trains, on the backend at hand and with its first parameters. Sequences are
 * short and the vocabulary small: neither is the model's to choose, and what fails here fails everywhere.
 */
import { NumericError } from "../errors.ts";
import { sizeOf } from "../graph/shape.ts";
import type { BatchShape } from "../models/model.ts";
import { type ModelConfig, modelOf } from "../models/registry.ts";
import type { Backend } from "../plan/backend.ts";
import { bits, stream } from "../random/streams.ts";
import { referenceBackend } from "../reference/interpreter.ts";
import { initialParameters, initialStates } from "../train/initial_parameters.ts";
import { createTrainer, type Trainer } from "../train/trainer.ts";
import { logitsPlan } from "./evaluation_plan.ts";
import { perturbTokens } from "./perturb_tokens.ts";
import { openStream } from "./stream.ts";

/** A model and what it is checked on. */
export interface ModelUnderCheck {
  readonly model: ModelConfig;
  readonly backend: Backend;
}

/** One property; `expect` throws a NumericError that says what was expected and what came. */
export interface ModelProperty {
  readonly name: string;
  /** Whether a model claims it. @default every model does */
  readonly isClaimed?: (model: ModelConfig) => boolean;
  readonly expect: (checked: ModelUnderCheck) => Promise<void>;
}

/** Every property, in the order in which they are checked: the first that fails says most about the cause. */
export const MODEL_PROPERTIES: readonly ModelProperty[] = [
  { name: "finite logits that agree with the f64 reference", expect: expectAgreement },
  { name: "causality to the bit", expect: expectCausality },
  { name: "finite gradients of all parameters", expect: expectFiniteGradients },
  { name: "the same bits twice", expect: expectSameBits },
  {
    name: "a stream that gives the logits of a whole pass",
    isClaimed: (model) => modelOf(model).noStream(model) === undefined,
    expect: expectStream,
  },
];

const VOCABULARY = 61;
const SEED = 42;
/** An awkward length; batches of two, so that sequences that see each other show. */
const SHAPE = { batch: 2, seqLen: 13 };
/** Of the largest logit: f32 rounding of a few layers, with room for recurrences. */
const TOLERANCE = 1e-4;
/** A length in one piece, all positions of which are changed, and one at which scans and resolvents run in chunks. */
const CAUSALITY_LENGTHS = [23, 521];
/** Tokens side by side, in two sequences at least: four batches of the first length have room for all its positions. */
const CAUSALITY_TOKENS = 256;
const UPDATES = 3;

/** Logits (B N, V) of a model with its first parameters for seed 42. */
export async function firstLogits(checked: ModelUnderCheck, options: {
  readonly shape: BatchShape;
  readonly tokens: Int32Array;
  readonly vocabularySize: number;
}): Promise<Float64Array> {
  const { model, backend } = checked;
  const { tokens, ...sizes } = options;
  const plan = logitsPlan({ model, ...sizes });
  const program = await backend.compile(plan);
  try {
    program.write("param", initialParameters(plan, SEED));
    program.write("state", initialStates(plan));
    await program.step({ tokens });
    return await program.read("logits");
  } finally {
    program.destroy();
  }
}

/** Logits are finite, and within `tolerance` of those in f64, relative to the largest of them. */
export async function expectAgreement(
  { model, backend }: ModelUnderCheck,
  { tolerance = TOLERANCE }: { readonly tolerance?: number } = {},
): Promise<void> {
  const input = {
    shape: SHAPE,
    vocabularySize: VOCABULARY,
    tokens: someTokens("agreement", SHAPE),
  };
  const got = await firstLogits({ model, backend }, input);
  const reference = referenceBackend({ precision: "f64" });
  const want = await firstLogits({ model, backend: reference }, input);
  const bad = got.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw new NumericError(`expected finite logits, got ${got[bad]} at ${bad}`);
  const scale = Math.max(...want.map(Math.abs));
  const off = got.findIndex((value, i) => !(Math.abs(value - want[i]) <= tolerance * scale));
  if (off < 0) return;
  throw new NumericError(
    `expected logit ${off} within ${tolerance} of the largest, ${scale}, of ${
      want[off]
    } in f64, got ${got[off]}`,
  );
}

/** Changing tokens changes no bit of an earlier logit, at each length; `perturbTokens` says which are changed. */
export async function expectCausality(
  { model, backend }: ModelUnderCheck,
  { lengths = CAUSALITY_LENGTHS }: { readonly lengths?: readonly number[] } = {},
): Promise<void> {
  for (const seqLen of lengths) {
    const batch = Math.max(2, Math.floor(CAUSALITY_TOKENS / seqLen));
    const sizes = { shape: { batch, seqLen }, vocabularySize: VOCABULARY };
    const plan = logitsPlan({ model, ...sizes });
    const program = await backend.compile(plan);
    try {
      program.write("param", initialParameters(plan, SEED));
      program.write("state", initialStates(plan));
      const probes = await perturbTokens(program, { ...sizes, classes: VOCABULARY });
      const leak = probes.find(({ changed }) => changed > 0);
      if (leak === undefined) continue;
      throw new NumericError(
        `expected no earlier logit to change with the tokens from ${leak.position} of ${seqLen} on, got ${leak.changed} that ` +
          `changed by up to ${leak.largestChange}`,
      );
    } finally {
      program.destroy();
    }
  }
}

/** One update gives every parameter a finite gradient. */
export async function expectFiniteGradients({ model, backend }: ModelUnderCheck): Promise<void> {
  const trainer = await trainerOf({ model, backend });
  try {
    await advance(trainer, 1);
    const [gradients] = await trainer.program.readArenas(["grad"]);
    const { parameters, tensors } = trainer.program.plan;
    for (const { name, tensor } of parameters) {
      const { byteOffset, type } = tensors[tensor]; // the arenas `param` and `grad` share one layout
      const first = byteOffset / Float32Array.BYTES_PER_ELEMENT;
      const values = gradients.subarray(first, first + sizeOf(type.shape));
      const bad = values.find((value) => !Number.isFinite(value));
      if (bad === undefined) continue;
      throw new NumericError(`expected a finite gradient of "${name}", got ${bad}`);
    }
  } finally {
    trainer.destroy();
  }
}

/** Training twice from one seed gives the same bits. */
export async function expectSameBits({ model, backend }: ModelUnderCheck): Promise<void> {
  const trained = async (): Promise<Float32Array> => {
    const trainer = await trainerOf({ model, backend });
    try {
      await advance(trainer, UPDATES);
      return (await trainer.save(UPDATES)).param;
    } finally {
      trainer.destroy();
    }
  };
  const first = await trained();
  const second = await trained();
  const at = first.findIndex((value, i) => !Object.is(value, second[i]));
  if (at < 0 && first.length === second.length) return;
  throw new NumericError(
    `expected the same parameters after ${UPDATES} updates, got ${first[at]} and ${
      second[at]
    } at ${at}`,
  );
}

/** Logits chunk by chunk are those of one pass. @throws {UsageError} If the model does not stream */
export async function expectStream(
  { model, backend }: ModelUnderCheck,
  { tolerance = TOLERANCE }: { readonly tolerance?: number } = {},
): Promise<void> {
  const tokens = someTokens("stream", SHAPE);
  const input = { shape: SHAPE, vocabularySize: VOCABULARY, tokens };
  const want = await firstLogits({ model, backend }, input);
  const chunked = await openStream(backend, {
    model,
    vocabularySize: VOCABULARY,
    batch: SHAPE.batch,
    positions: "all",
    chunks: [5, 1],
    start: (plan) => ({ param: initialParameters(plan, SEED), state: initialStates(plan) }),
  });
  try {
    const got = await chunked.push(tokens);
    const scale = Math.max(...want.map(Math.abs));
    const off = got.findIndex((value, i) => !(Math.abs(value - want[i]) <= tolerance * scale));
    if (off < 0) return;
    throw new NumericError(
      `expected logit ${off} of a stream in chunks of 5 and 1 to be ${
        want[off]
      } as in one pass, got ${got[off]}`,
    );
  } finally {
    chunked.destroy();
  }
}

function trainerOf({ model, backend }: ModelUnderCheck): Promise<Trainer> {
  return createTrainer(backend, {
    model,
    shape: SHAPE,
    vocabularySize: VOCABULARY,
    seed: SEED,
    optimiser: { weightDecay: 0.01, beta1: 0.9, beta2: 0.99, gradClip: 1 },
    schedule: { steps: UPDATES, warmupSteps: 1, learningRate: 1e-3 },
  });
}

async function advance(trainer: Trainer, updates: number): Promise<void> {
  const batch = (step: number) => ({
    tokens: someTokens(`tokens${step}`, SHAPE),
    targets: someTokens(`targets${step}`, SHAPE),
  });
  await trainer.advance(batch, { from: 0, to: updates });
}

/** Token ids from a fixed stream, (B, N). */
function someTokens(name: string, { batch, seqLen }: BatchShape): Int32Array<ArrayBuffer> {
  const from = stream(SEED, `check/${name}`);
  return Int32Array.from(
    { length: batch * seqLen },
    (_, index) => bits(from, { step: 0, index }) % VOCABULARY,
  );
}
