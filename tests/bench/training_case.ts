/**
 * The training task of the side-by-side benchmark as plain data, so that every peer trains the same thing.
 * A folder holds case.json, parameters.f32 (initial values, in the order of `parameters`) and batches.i32
 * (per batch: tokens (B, T), then targets (B, T)); both are little-endian.
 */

/** One parameter of the model and where its first value stands in parameters.f32. */
export interface CaseParameter {
  /** Path in our model, "block0/query/weight"; weights are stored (inputs, outputs). */
  readonly name: string;
  readonly shape: readonly number[];
  /** Offset in values, not bytes. */
  readonly offset: number;
  /** Whether weight decay applies. */
  readonly decay: boolean;
}

/** Sizes of the model: pre-norm transformer, RMS norms with gain, no biases, learned positions, untied head. */
export interface CaseModel {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly hidden: number;
  readonly vocabulary: number;
  /** Added to the mean square in every norm. */
  readonly normEpsilon: number;
}

/** AdamW with a constant rate and without clipping. */
export interface CaseOptimiser {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
}

/** How long to train and when to look. Every number is in updates, except `blocks`. */
export interface Protocol {
  /** Updates before the clock starts; compilation happens here. */
  readonly warmup: number;
  readonly blocks: number;
  readonly blockSteps: number;
  /** Updates between two readbacks of the loss. */
  readonly readEvery: number;
  /** Update after which all parameters are hashed. */
  readonly digestStep: number;
}

export interface TrainingCase {
  readonly model: CaseModel;
  readonly batch: number;
  readonly seqLen: number;
  readonly optimiser: CaseOptimiser;
  readonly protocol: Protocol;
  readonly parameters: readonly CaseParameter[];
  /** Batches in batches.i32; update k uses batch k modulo this. */
  readonly batches: number;
}

export interface CaseBatch {
  /** (B T) */
  readonly tokens: Int32Array<ArrayBuffer>;
  /** (B T) */
  readonly targets: Int32Array<ArrayBuffer>;
}

/** A case with its numbers. */
export interface LoadedCase extends TrainingCase {
  /** All initial values, in the order of `parameters`. */
  readonly initial: Float32Array<ArrayBuffer>;
  /** Batch of update `step`, from 0. */
  readonly batchOf: (step: number) => CaseBatch;
}

export async function readCase(folder: string): Promise<LoadedCase> {
  const description: TrainingCase = JSON.parse(await Deno.readTextFile(`${folder}/case.json`));
  const initial = new Float32Array((await Deno.readFile(`${folder}/parameters.f32`)).buffer);
  const ids = new Int32Array((await Deno.readFile(`${folder}/batches.i32`)).buffer);
  const size = description.batch * description.seqLen;
  const batchOf = (step: number): CaseBatch => {
    const first = (step % description.batches) * 2 * size;
    return {
      tokens: ids.slice(first, first + size),
      targets: ids.slice(first + size, first + 2 * size),
    };
  };
  return { ...description, initial, batchOf };
}

/** Number of values of a shape. */
export function valuesOf({ shape }: CaseParameter): number {
  return shape.reduce((product, n) => product * n, 1);
}

/** Bias corrections of update t = 1, 2, … and the factor by which decayed weights shrink. */
export function updateFactors(optimiser: CaseOptimiser, t: number): {
  readonly correction1: number;
  readonly correction2: number;
  readonly decay: number;
} {
  return {
    correction1: 1 / (1 - optimiser.beta1 ** t),
    correction2: 1 / (1 - optimiser.beta2 ** t),
    decay: 1 - optimiser.learningRate * optimiser.weightDecay,
  };
}
