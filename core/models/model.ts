/** What a model is to the rest of the harness: a function that traces its forward pass. */
import type { Graph, Tensor } from "../graph/tensor.ts";
import type { Purpose } from "../layers/purpose.ts";
import type { Scheduled } from "../layers/scheduled_state.ts";
import type { ValueSchedule } from "../spectral/value_schedule.ts";

/** Sizes of one batch. */
export interface BatchShape {
  /** B, sequences. */
  readonly batch: number;
  /** N, tokens per sequence. */
  readonly seqLen: number;
}

/** What every model's configuration has. */
export interface CommonConfig {
  /** D, width of the residual stream. */
  readonly dModel: number;
  /** L, number of blocks. */
  readonly nLayers: number;
  /** Whether the output projection is the embedding table. */
  readonly tieHead: boolean;
}

/** Result of a forward pass: logits are features headᵀ, which the loss forms in chunks. */
export interface ForwardPass {
  /** Normalised features, (B N, D). */
  readonly features: Tensor;
  /** Output projection, (V, D). */
  readonly head: Tensor;
  /** Added to the loss in training, a scalar. @default none */
  readonly auxiliaryLoss?: Tensor;
  /** Values worth watching, f32, recorded with every update where that is asked for; each is small. */
  readonly diagnostics: Readonly<Record<string, Tensor>>;
}

/** What a forward pass is traced for. */
export interface ForwardOptions<C extends CommonConfig> {
  /** Configuration of the model. */
  readonly config: C;
  /** Sizes of the batch. */
  readonly shape: BatchShape;
  /** V, vocabulary size. */
  readonly vocabularySize: number;
  /** Token ids, (B, N) i32. */
  readonly tokens: Tensor;
  /** What the pass is for. */
  readonly purpose: Purpose;
  /** Position (3) i32 of a random stream with a name of its own, in training alone. */
  readonly noise?: (name: string) => Tensor;
  /** Value (1) f32 that one of the model's schedules has after this update, in training alone. */
  readonly scheduled?: Scheduled;
}

/** A language model. Parameters are declared while the forward pass is traced. */
export interface Model<C extends CommonConfig> {
  /** Where the architecture comes from, for reports. */
  readonly source: string;
  /** Whether position i depends on tokens up to i alone; checked by the conformance suite. */
  isCausal(config: C): boolean;
  /** Why a configuration cannot run in the purpose `stream`; undefined where it can. */
  noStream(config: C): string | undefined;
  /**
   * Values that change with the number of updates, by name: what `scheduled` gives in training. A plan reads all of
   * them. @default none
   */
  schedules?(config: C): Readonly<Record<string, ValueSchedule>>;
  /** Traces the forward pass into `graph`, declaring parameters on the way. */
  forward(graph: Graph, options: ForwardOptions<C>): ForwardPass;
}
