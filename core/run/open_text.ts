import { openStream, type TokenStream } from "../evaluate/stream.ts";
import { openWindow } from "../evaluate/window_stream.ts";
import { modelOf } from "../models/registry.ts";
import type { Backend } from "../plan/backend.ts";
import type { ModelFile } from "./model_file.ts";
import { modelStart } from "./model_start.ts";

/** Whether a model carries a state through a text. */
export function carriesState({ model }: Pick<ModelFile, "model">): boolean {
  return modelOf(model).noStream(model) === undefined;
}

/**
 * A saved model before the first token of a text: with a state of fixed size where it has one, else with a window
 * of the length that it was trained at, which is read again for every token. The owner calls `destroy`.
 *
 * @throws {UsageError} If a token of the model sees later ones
 */
export function openText(backend: Backend, file: ModelFile): Promise<TokenStream> {
  const { model, seqLen, tokenizer: { vocabularySize } } = file;
  const options = { model, vocabularySize, start: modelStart(file) };
  return carriesState(file)
    ? openStream(backend, options)
    : openWindow(backend, { ...options, seqLen });
}
