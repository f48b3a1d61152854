/** A sequence mixer of a user's own: what the module that a manifest names under `model.module` exports. */
import type { Tensor } from "../graph/tensor.ts";
import type { Purpose } from "../layers/purpose.ts";

/** What a mixer is told besides its input. */
export interface SequenceMixerOptions {
  /**
   * What the pass is for. With `stream`, x is a chunk that goes on where the one before it ended; a mixer that does
   * not say `streams` never sees it.
   */
  readonly purpose: Purpose;
  /** 1 / sqrt(2 L): factor for the first weights of the last product, so that depth does not widen the stream. */
  readonly residualScale: number;
}

/**
 * How tokens of a sequence read those before them. Its parameters are declared on `x.graph` while it is traced, so
 * that names, initial values and weight decay work as in the models that come with the harness; `x.graph.scope`
 * groups names. It may run code only while it is traced.
 */
export interface SequenceMixer {
  /** Where the idea comes from, for reports. */
  readonly source: string;
  /**
   * x (B, N, D), normalised → (B, N, D), which is added to the residual stream. Position i may depend on positions
   * up to i of its own sequence alone.
   */
  forward(x: Tensor, options: SequenceMixerOptions): Tensor;
  /** Whether it also runs for the purpose `stream`, with `x.graph.state` for what a chunk leaves to the next. */
  readonly streams?: boolean;
}
