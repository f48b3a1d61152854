/** The model and data of the side-by-side benchmark, as our engine knows them, and the case made from them. */
import { byteTokenizer } from "../../core/data/byte_tokenizer.ts";
import { loadCorpus } from "../../core/data/load_corpus.ts";
import { splitCorpus } from "../../core/data/split_corpus.ts";
import { cutWindows } from "../../core/data/cut_windows.ts";
import { sizeOf } from "../../core/graph/shape.ts";
import type { TransformerConfig } from "../../core/models/transformer.ts";
import { bits, stream } from "../../core/random/streams.ts";
import { initialParameters } from "../../core/train/initial_parameters.ts";
import { type TrainingGraphOptions, trainingPlan } from "../../core/train/training_graph.ts";
import type { CaseModel, CaseParameter, Protocol, TrainingCase } from "./training_case.ts";

/** Seed of the initial values. */
export const CASE_SEED = 1;

const CONFIG: TransformerConfig = { dModel: 96, nLayers: 3, nHeads: 3, tieHead: false };
const MODEL: CaseModel = {
  layers: CONFIG.nLayers,
  width: CONFIG.dModel,
  heads: CONFIG.nHeads,
  hidden: 4 * CONFIG.dModel,
  vocabulary: byteTokenizer.vocabularySize,
  normEpsilon: 1e-5,
};
const BATCHES = 64;

/** The case of a protocol, without its numbers. */
type Sizes = Omit<TrainingCase, "parameters">;

function sizesOf(protocol: Protocol): Sizes {
  return {
    model: MODEL,
    batch: 8,
    seqLen: 128,
    // The epsilon is the one that training_graph.ts fixes.
    optimiser: { learningRate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1 },
    protocol,
    batches: BATCHES,
  };
}

/** The update of the case in our engine. */
export function trainingOptions(sizes: Sizes): TrainingGraphOptions {
  const { beta1, beta2, weightDecay } = sizes.optimiser;
  return {
    model: { kind: "transformer", ...CONFIG },
    shape: { batch: sizes.batch, seqLen: sizes.seqLen },
    vocabularySize: sizes.model.vocabulary,
    // No gradient of this model is so long: clipping never acts, and no peer has to do it.
    optimiser: { beta1, beta2, weightDecay, gradClip: 1e30 },
  };
}

/** The update of the case, for programs that need no protocol. */
export function caseTrainingOptions(): TrainingGraphOptions {
  return trainingOptions(
    sizesOf({ warmup: 0, blocks: 0, blockSteps: 0, readEvery: 1, digestStep: 0 }),
  );
}

/** Writes case.json, parameters.f32 and batches.i32 into `folder`, which exists. */
export async function writeCase(folder: string, protocol: Protocol): Promise<TrainingCase> {
  const sizes = sizesOf(protocol);
  const plan = trainingPlan(trainingOptions(sizes));
  const arena = initialParameters(plan, CASE_SEED);
  let offset = 0;
  const values: Float32Array[] = [];
  const parameters = plan.parameters.map(({ name, tensor, initial }): CaseParameter => {
    const { byteOffset, type } = plan.tensors[tensor];
    const size = sizeOf(type.shape);
    values.push(arena.subarray(byteOffset / 4, byteOffset / 4 + size));
    offset += size;
    // Of this model, the gains alone start at a constant, and they alone are not decayed.
    return { name, shape: type.shape, offset: offset - size, decay: initial.kind !== "constant" };
  });
  const task: TrainingCase = { ...sizes, parameters };
  await Deno.writeTextFile(`${folder}/case.json`, JSON.stringify(task));
  await Deno.writeFile(`${folder}/parameters.f32`, bytesOf(values));
  await Deno.writeFile(`${folder}/batches.i32`, bytesOf(batchesOf(sizes)));
  return task;
}

/** Random windows of a corpus that is pinned by its digest. */
function batchesOf({ batch, seqLen, batches }: Sizes): readonly Int32Array[] {
  const ids = byteTokenizer.encode(splitCorpus(loadCorpus({ id: "sotu" })).train.bytes);
  const from = stream(CASE_SEED, "bench/windows");
  return Array.from({ length: batches }, (_, step) => {
    const starts = Array.from(
      { length: batch },
      (_, index) => bits(from, { step, index }) % (ids.length - seqLen - 1),
    );
    const { tokens, targets } = cutWindows(ids, seqLen, starts);
    return [tokens, targets];
  }).flat();
}

function bytesOf(arrays: readonly (Float32Array | Int32Array)[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(arrays.reduce((sum, array) => sum + array.byteLength, 0));
  let offset = 0;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), offset);
    offset += byteLength;
  }
  return bytes;
}
