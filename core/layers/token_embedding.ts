import { f32 } from "../graph/shape.ts";
import type { Graph, Tensor } from "../graph/tensor.ts";
import { embedding } from "../ops/embedding.ts";

/** Standard deviation of embedding and head at the start: small logits, so the first loss is about ln V. */
const STANDARD_DEVIATION = 0.02;

/** ids (B, N) → embedded (B, N, D), and the output projection (V, D): the same table when tied. */
export function tokenEmbedding(graph: Graph, options: {
  readonly tokens: Tensor;
  readonly vocabularySize: number;
  readonly width: number;
  readonly tieHead: boolean;
}): { readonly embedded: Tensor; readonly head: Tensor } {
  const { tokens, vocabularySize, width, tieHead } = options;
  const declare = (name: string): Tensor =>
    graph.parameter(name, {
      type: f32(vocabularySize, width),
      initial: { kind: "normal", standardDeviation: STANDARD_DEVIATION },
      decay: true,
    });
  const table = declare("embedding");
  return { embedded: embedding(table, tokens), head: tieHead ? table : declare("head") };
}
