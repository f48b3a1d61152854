/** A saved model as an object of a program: what `deno task generate` and `deno task evaluate` do, as functions. */
import type { Tokenizer } from "../data/tokenizer.ts";
import { UsageError } from "../errors.ts";
import type { JsonObject } from "../manifest/json.ts";
import type { Backend } from "../plan/backend.ts";
import { modelPath } from "./model_path.ts";
import { carriesState } from "./open_text.ts";
import { type BackendName, backendNameOf, openBackend } from "./open_backend.ts";
import { openModelFile } from "./open_model_file.ts";
import { type StreamedLoss, streamedLoss, type StreamedLossOptions } from "./streamed_loss.ts";
import { type CheckpointEvaluateOptions, type CheckpointLoss, textLoss } from "./text_loss.ts";
import {
  type CheckpointGenerateOptions,
  type GeneratedToken,
  writtenTokens,
} from "./written_tokens.ts";

/** Options of {@linkcode fromCheckpoint}. */
export interface FromCheckpointOptions {
  /**
   * Backend to open; `auto` is webgpu, never a fallback.
   * @default {"auto"}
   */
  readonly device?: "auto" | "webgpu" | "reference";
  /** A backend that is open already, instead of `device`. Whoever opened it destroys it. */
  readonly backend?: Backend;
}

/** A text that was written. */
export interface GeneratedText {
  /** Its tokens, those of the prompt not among them. */
  readonly ids: Int32Array;
  /** The same as text. */
  readonly text: string;
}

/** A saved model that is ready to run. */
export interface LoadedModel extends AsyncDisposable {
  /** Complete settings of the model in manifest keys, `kind` among them. */
  readonly settings: JsonObject;
  /** The tokenizer that it was trained with. */
  readonly tokenizer: Tokenizer;
  /** Tokens of a sequence in training. */
  readonly seqLen: number;
  /** Updates done. */
  readonly step: number;
  /** Whether a prediction depends on later tokens; losses of such a model are no evidence. */
  readonly leaks: boolean;
  /** Whether it carries a state through a text; if not, it sees no further than a window. */
  readonly carriesState: boolean;
  /**
   * Writes on from a prompt and gives the whole text.
   *
   * @throws {UsageError} On settings out of their range, an empty prompt, or a model whose tokens see later ones
   * @throws {DataError} On an id that is no integer in 0..V-1
   * @throws {NumericError} If a logit is not finite
   */
  readonly generate: (options: CheckpointGenerateOptions) => Promise<GeneratedText>;
  /** The same token by token, as they are written; leaving the loop stops the writing. */
  readonly generateTokens: (
    options: CheckpointGenerateOptions,
  ) => AsyncGenerator<GeneratedToken, void, void>;
  /**
   * Scores a text, or ids (T), in windows that do not overlap, each with no context before it. A rest that does
   * not fill a window is not scored.
   *
   * @throws {UsageError} If sizes are out of their range, or fewer tokens are to be scored than a window has
   * @throws {DataError} If it is no text and no array, is shorter than a window, or has an id that is no integer in
   * 0..V-1
   * @throws {StoreError} If the model does not fit the length
   */
  readonly evaluate: (
    text: string | ArrayLike<number>,
    options?: CheckpointEvaluateOptions,
  ) => Promise<CheckpointLoss>;
  /**
   * Scores ids (T) as one sequence, read in chunks; the first is not predicted. See `streamingEvaluator`,
   * which reads them from a file.
   *
   * @throws {UsageError} If sizes are out of their range
   * @throws {DataError} If there are too few ids, or one is no integer in 0..V-1
   */
  readonly evaluateStream: (
    ids: ArrayLike<number>,
    options?: StreamedLossOptions,
  ) => Promise<StreamedLoss>;
  /** Frees the device, if it was opened for this model. What runs has to have ended. */
  readonly destroy: () => void;
}

/**
 * Opens a model that `deno task train` saved: its file, or the folder of the training. The file says everything,
 * settings and tokenizer included. The owner calls `destroy`, or declares the model with `await using`.
 *
 * @throws {UsageError} If there is no model at the path or no such device, or both a device and a backend are given
 * @throws {StoreError} If the model is damaged or of another version
 * @throws {ManifestError} If the module of its mixer is missing or changed
 * @throws {NoAdapterError} For webgpu without an adapter
 *
 * @example Usage
 * ```ts ignore
 * import { fromCheckpoint } from "./from_checkpoint.ts";
 * await using model = await fromCheckpoint("checkpoints/small_model");
 * const { text } = await model.generate({ prompt: "My fellow citizens", maxLength: 50, seed: 1 });
 * const { loss, perplexity } = await model.evaluate(await Deno.readTextFile("speech.txt"));
 * ```
 */
export async function fromCheckpoint(
  path: string,
  options: FromCheckpointOptions = {},
): Promise<LoadedModel> {
  const device = checkedDevice(path, options);
  const file = await openModelFile(modelPath(path));
  const backend = options.backend ?? await openBackend(device);
  let destroyed = false;
  const requireOpen = (): void => {
    if (destroyed) throw new UsageError(`Cannot use the model "${path}": it was destroyed`);
  };
  const destroy = (): void => {
    if (!destroyed && !options.backend) backend.destroy();
    destroyed = true;
  };
  return {
    settings: file.settings,
    tokenizer: file.tokenizer,
    seqLen: file.seqLen,
    step: file.step,
    leaks: file.leaks,
    carriesState: carriesState(file),
    generate: async (how) => {
      requireOpen();
      return await wholeText(writtenTokens(file, { backend, how }));
    },
    generateTokens: (how) => {
      requireOpen();
      return writtenTokens(file, { backend, how });
    },
    evaluate: async (text, how = {}) => {
      requireOpen();
      return await textLoss(text, { file, backend, how });
    },
    evaluateStream: async (ids, how = {}) => {
      requireOpen();
      return await streamedLoss(ids, { file, backend, how });
    },
    destroy,
    [Symbol.asyncDispose]: () => Promise.resolve(destroy()),
  };
}

/** The backend to open, unless one is given. What is wrong ends the call here: `deno run` checks no types. */
function checkedDevice(path: string, { device, backend }: FromCheckpointOptions): BackendName {
  const refused = (why: string): UsageError =>
    new UsageError(`Cannot open the model "${path}": ${why}`);
  if (backend && device) throw refused("expected a device or a backend, got both; leave one out");
  if (backend && typeof backend.compile !== "function") {
    throw refused(`at backend: expected an open one, got "${backend}"; a name is given as device`);
  }
  return backendNameOf(device ?? "auto");
}

async function wholeText(tokens: AsyncIterable<GeneratedToken>): Promise<GeneratedText> {
  const written = await Array.fromAsync(tokens);
  return {
    ids: Int32Array.from(written, ({ id }) => id),
    text: written.map(({ text }) => text).join(""),
  };
}
