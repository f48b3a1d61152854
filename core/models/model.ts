/** What a model is to the rest of the harness: a function that traces its forward pass. */
import type { Graph, Tensor } from "../graph/tensor.ts";

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
  /** Values worth watching, recorded with every step; each is small. */
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
}

/** A language model. Parameters are declared while the forward pass is traced. */
export interface Model<C extends CommonConfig> {
  /** Where the architecture comes from, for reports. */
  readonly source: string;
  /** Whether position i depends on tokens up to i alone; checked by the conformance suite. */
  readonly causal: boolean;
  /** Traces the forward pass into `graph`, declaring parameters on the way. */
  forward(graph: Graph, options: ForwardOptions<C>): ForwardPass;
}
