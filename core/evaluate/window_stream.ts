/** Inference for causal models without a state of fixed size: the last N tokens are computed again for every token. */
import { expectIds } from "../data/expect_ids.ts";
import { ShapeError, UsageError } from "../errors.ts";
import { i32 } from "../graph/shape.ts";
import { Graph } from "../graph/tensor.ts";
import { type ModelConfig, modelOf } from "../models/registry.ts";
import { embedding } from "../ops/embedding.ts";
import { matmul } from "../ops/matmul.ts";
import { reshape } from "../ops/reshape.ts";
import type { Backend, Program } from "../plan/backend.ts";
import { compilePlan } from "../plan/compile_plan.ts";
import type { Plan } from "../plan/plan.ts";
import type { StreamStart, TokenStream } from "./stream.ts";

export interface WindowOptions {
  readonly model: ModelConfig;
  readonly vocabularySize: number;
  /** N, the length that the model was trained at: no token sees further back. */
  readonly seqLen: number;
  /** Parameters and states, laid out as the plan says. */
  readonly start: (plan: Plan) => StreamStart;
}

/**
 * One sequence with the interface of `openStream`: `push` returns the logits behind its last token, (V). Beyond
 * N tokens the window slides, and a position is counted from its beginning.
 *
 * @throws {UsageError} If a token of the model sees later ones
 */
export async function openWindow(backend: Backend, options: WindowOptions): Promise<TokenStream> {
  const { model, vocabularySize, seqLen, start } = options;
  requireCausal(model);
  const program = await backend.compile(windowPlan(options));
  try {
    const { param, state } = start(program.plan);
    program.write("param", param);
    program.write("state", state);
    return new Window(program, { vocabularySize, seqLen });
  } catch (cause) {
    program.destroy();
    throw cause;
  }
}

/**
 * Checks that a model can write on: that its logits do not wait for later tokens.
 *
 * @throws {UsageError} If they do
 */
export function requireCausal(model: ModelConfig): void {
  if (modelOf(model).isCausal(model)) return;
  throw new UsageError(
    `Cannot write on with this model of kind "${model.kind}": its tokens see later ones, and there are none yet; ` +
      "take a causal model",
  );
}

/** Inputs tokens (1, N), at (1, 1); output "logits" (1, V) behind token `at`. */
function windowPlan({ model, vocabularySize, seqLen }: WindowOptions): Plan {
  const graph = new Graph();
  const at = graph.input("at", i32(1, 1));
  const { features, head } = modelOf(model).forward(graph, {
    config: model,
    shape: { batch: 1, seqLen },
    vocabularySize,
    tokens: graph.input("tokens", i32(1, seqLen)),
    purpose: "evaluate",
  });
  const row = reshape(embedding(features, at), [1, features.type.shape[1]]);
  graph.output("logits", matmul(row, head, { transposeB: true }));
  return compilePlan(graph);
}

class Window implements TokenStream {
  readonly #program: Program;
  readonly #vocabularySize: number;
  readonly #seqLen: number;
  /** The last N tokens at most. */
  #tokens: readonly number[] = [];
  #position = 0;

  constructor(program: Program, sizes: Pick<WindowOptions, "vocabularySize" | "seqLen">) {
    this.#program = program;
    this.#vocabularySize = sizes.vocabularySize;
    this.#seqLen = sizes.seqLen;
  }

  get position(): number {
    return this.#position;
  }

  async push(tokens: Int32Array): Promise<Float32Array> {
    if (tokens.length === 0) {
      throw new ShapeError("Cannot push 0 tokens to a stream of 1 sequences: expected one or more");
    }
    expectIds(tokens, { vocabularySize: this.#vocabularySize, what: "the tokens of a stream" });
    this.#position += tokens.length;
    this.#tokens = [...this.#tokens, ...tokens.slice(-this.#seqLen)].slice(-this.#seqLen);
    const window = new Int32Array(this.#seqLen); // what follows `at` does not reach it
    window.set(this.#tokens);
    await this.#program.step({ tokens: window, at: Int32Array.of(this.#tokens.length - 1) });
    return Float32Array.from(await this.#program.read("logits"));
  }

  reset(): void {
    this.#tokens = [];
    this.#position = 0;
  }

  destroy(): void {
    this.#program.destroy();
  }
}
