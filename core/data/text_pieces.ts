import type { Tokenizer } from "./tokenizer.ts";

/** Ids as text, character by character: a character may take several tokens. */
export class TextPieces {
  readonly ids: number[] = [];
  readonly #tokenizer: Tokenizer;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #previous: number;
  #text = "";

  /** Text behind a prompt of one token or more. */
  constructor(tokenizer: Tokenizer, prompt: Int32Array) {
    this.#tokenizer = tokenizer;
    this.#previous = prompt[prompt.length - 1];
  }

  /** What was written. */
  get text(): string {
    return this.#text;
  }

  /** The characters that a token completes. */
  add(id: number): string {
    const piece = this.#tokenizer.piece(id, this.#previous);
    this.ids.push(id);
    this.#previous = id;
    return this.#keep(this.#decoder.decode(piece, { stream: true }));
  }

  /** What is left of a character that was never completed. */
  end(): string {
    return this.#keep(this.#decoder.decode());
  }

  #keep(text: string): string {
    this.#text += text;
    return text;
  }
}
