/** Inference without a window: a state of fixed size goes on from chunk to chunk. docs/mathematics.md §4.2 and §12. */
import { expectIds } from "../data/expect_ids.ts";
import { ShapeError, UsageError } from "../errors.ts";
import type { ModelConfig } from "../models/registry.ts";
import type { Backend, Program } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { type LogitPositions, streamLogitsPlan } from "./streaming_plan.ts";

/** Values a stream starts from, laid out as its plan says. */
export interface StreamStart {
  /** The arena `param`. */
  readonly param: Float32Array;
  /** The arena `state` before the first token; `reset` writes it again. */
  readonly state: Float32Array;
}

export interface StreamOptions {
  readonly model: ModelConfig;
  readonly vocabularySize: number;
  /** B, sequences side by side. @default 1 */
  readonly batch?: number;
  /** Which logits `push` returns. @default "last" */
  readonly positions?: LogitPositions;
  /** Lengths of compiled chunks, 1 among them; a text is cut into the longest that fit. @default 512, 64, 1 */
  readonly chunks?: readonly number[];
  /** Parameters and first states; all chunk lengths lay them out alike. */
  readonly start: (plan: Plan) => StreamStart;
}

/** A model in the middle of a text. Memory does not grow with the text. The owner calls `destroy`. */
export interface TokenStream {
  /** Tokens of each sequence so far. */
  readonly position: number;
  /**
   * Reads tokens (B, n), n >= 1, and returns logits behind the last, (B, V), or behind each, (B, n, V). To be
   * awaited before the next call.
   *
   * @throws {ShapeError} If the tokens are not a multiple of B, or none
   * @throws {DataError} On an id outside the vocabulary; nothing is read then
   */
  push(tokens: Int32Array): Promise<Float32Array>;
  /** Goes back to before the first token. */
  reset(): void;
  /** Frees the memory of all chunk programs. */
  destroy(): void;
}

const CHUNKS: readonly number[] = [512, 64, 1];
/** Logits held on the device between two reads, at most, where one chunk does not need more. */
const RING_VALUES = 1 << 20;
const MOST_SLOTS = 64;

interface Chunk {
  readonly length: number;
  readonly slots: number;
  readonly program: Program;
}

/**
 * Compiles the shortest chunk; others follow when a push first needs them.
 *
 * @throws {UsageError} If the model cannot stream, or 1 is not among the chunk lengths
 */
export async function openStream(backend: Backend, options: StreamOptions): Promise<TokenStream> {
  const lengths = sortedLengths(options.chunks ?? CHUNKS);
  const owner = await compileChunk(backend, { options, length: 1 });
  try {
    const { param, state } = options.start(owner.program.plan);
    owner.program.write("param", param);
    owner.program.write("state", state);
    return new ChunkedStream(backend, { options, lengths, owner, state });
  } catch (cause) {
    owner.program.destroy();
    throw cause;
  }
}

class ChunkedStream implements TokenStream {
  readonly #backend: Backend;
  readonly #options: StreamOptions;
  /** Falling, down to 1. */
  readonly #lengths: readonly number[];
  /** Has the parameters and states of all. */
  readonly #owner: Chunk;
  readonly #start: Float32Array;
  readonly #compiled = new Map<number, Chunk>();
  /** Chunks whose first steps a read has waited for, which throws what the device refused of them. */
  readonly #proven = new Set<Chunk>();
  #position = 0;

  constructor(backend: Backend, parts: {
    readonly options: StreamOptions;
    readonly lengths: readonly number[];
    readonly owner: Chunk;
    readonly state: Float32Array;
  }) {
    this.#backend = backend;
    this.#options = parts.options;
    this.#lengths = parts.lengths;
    this.#owner = parts.owner;
    this.#start = parts.state;
    this.#compiled.set(parts.owner.length, parts.owner);
  }

  get position(): number {
    return this.#position;
  }

  async push(tokens: Int32Array): Promise<Float32Array> {
    const { batch = 1, vocabularySize, positions = "last" } = this.#options;
    const n = countOf(tokens, { batch, vocabularySize });
    const kept = positions === "all" ? n : 1;
    const logits = new Float32Array(batch * kept * vocabularySize);
    for (let from = 0; from < n;) {
      const chunk = await this.#chunkFor(n - from);
      const { length, slots, program } = chunk;
      const fit = Math.floor((n - from) / length);
      const steps = positions === "all" ? Math.min(fit, slots) : fit;
      runSteps(chunk, { tokens, from, steps, n });
      const next = from + steps * length;
      if (positions === "all") {
        const [ring] = await program.readArenas(["metric"]);
        placeRows(logits, { ring, steps, length, batch, vocabularySize, kept, from });
      } else if (next === n) {
        const [ring] = await program.readArenas(["metric"]);
        logits.set(ring.subarray(0, logits.length));
      } else if (!this.#proven.has(chunk)) {
        await program.readArenas(["io"]); // the smallest; nothing else of these steps is read
      }
      this.#proven.add(chunk);
      this.#position += next - from;
      from = next;
    }
    return logits;
  }

  reset(): void {
    this.#owner.program.write("state", this.#start);
    this.#position = 0;
  }

  destroy(): void {
    // The owner of parameters and states was compiled first and goes last.
    for (const { program } of [...this.#compiled.values()].reverse()) program.destroy();
  }

  /** The longest chunk that fits. */
  async #chunkFor(rest: number): Promise<Chunk> {
    const length = this.#lengths.find((candidate) => candidate <= rest)!;
    const known = this.#compiled.get(length);
    if (known) return known;
    const made = await compileChunk(this.#backend, {
      options: this.#options,
      length,
      parametersOf: this.#owner.program,
    });
    this.#compiled.set(length, made);
    return made;
  }
}

async function compileChunk(backend: Backend, wanted: {
  readonly options: StreamOptions;
  readonly length: number;
  readonly parametersOf?: Program;
}): Promise<Chunk> {
  const { length, parametersOf } = wanted;
  const { model, vocabularySize, batch = 1, positions = "last" } = wanted.options;
  const slots = slotsOf(length, { vocabularySize, batch, positions });
  const shape = { batch, seqLen: length };
  const plan = streamLogitsPlan({ model, shape, vocabularySize, positions, slots });
  const program = await backend.compile(plan, parametersOf ? { parametersOf } : {});
  return { length, slots, program };
}

function sortedLengths(chunks: readonly number[]): readonly number[] {
  if (chunks.includes(1) && chunks.every((length) => Number.isSafeInteger(length) && length >= 1)) {
    return [...new Set(chunks)].sort((a, b) => b - a);
  }
  throw new UsageError(
    `Cannot stream in chunks of "${
      chunks.join(", ")
    }" tokens: expected integers >= 1, and 1 among them`,
  );
}

function slotsOf(length: number, options: {
  readonly vocabularySize: number;
  readonly batch: number;
  readonly positions: LogitPositions;
}): number {
  const { vocabularySize, batch, positions } = options;
  if (positions === "last") return 1;
  const fit = Math.floor(RING_VALUES / (batch * length * vocabularySize));
  return Math.max(1, Math.min(MOST_SLOTS, fit));
}

/** n of tokens (B, n). */
function countOf(
  tokens: Int32Array,
  { batch, vocabularySize }: { readonly batch: number; readonly vocabularySize: number },
): number {
  const n = tokens.length / batch;
  if (!(Number.isInteger(n) && n >= 1)) {
    throw new ShapeError(
      `Cannot push ${tokens.length} tokens to a stream of ${batch} sequences: ` +
        "expected (B, n) with n >= 1",
    );
  }
  expectIds(tokens, { vocabularySize, what: "the tokens of a stream" });
  return n;
}

/** Runs consecutive chunks of tokens (B, n), the first at `from`, without waiting. */
function runSteps({ length, slots, program }: Chunk, at: {
  readonly tokens: Int32Array;
  readonly from: number;
  readonly steps: number;
  readonly n: number;
}): void {
  const { tokens, from, steps, n } = at;
  const batch = tokens.length / n;
  for (let step = 0; step < steps; step++) {
    const chunk = new Int32Array(batch * length);
    for (let b = 0; b < batch; b++) {
      const first = b * n + from + step * length;
      chunk.set(tokens.subarray(first, first + length), b * length);
    }
    program.step({ tokens: chunk, slot: Int32Array.of(step % slots) });
  }
}

/** Ring rows of (B, length, V) → logits (B, kept, V) from position `from` on. */
function placeRows(logits: Float32Array, options: {
  readonly ring: Float32Array;
  readonly steps: number;
  readonly length: number;
  readonly batch: number;
  readonly vocabularySize: number;
  readonly kept: number;
  readonly from: number;
}): void {
  const { ring, steps, length, batch, vocabularySize, kept, from } = options;
  const size = length * vocabularySize;
  for (let step = 0; step < steps; step++) {
    for (let b = 0; b < batch; b++) {
      const first = (step * batch + b) * size;
      const to = (b * kept + from + step * length) * vocabularySize;
      logits.set(ring.subarray(first, first + size), to);
    }
  }
}
