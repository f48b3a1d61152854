/**
 * Bits per UTF-8 byte of a loss in nats per token (docs/mathematics.md §2). `bytes` are those of the text of the
 * `tokens` that the loss is a mean over. Unlike a perplexity it compares between lossless tokenizers; that of a
 * tokenizer that is not lossless is a lower bound alone, since nobody predicted what its tokens leave out: which
 * word an unknown one was, and white space.
 */
export function bitsPerByte(
  natsPerToken: number,
  text: { readonly tokens: number; readonly bytes: number },
): number {
  // Tokens per byte first: it is exactly 1 for bytes, and then the quotient has the bits of loss / ln 2.
  return natsPerToken * (text.tokens / text.bytes) / Math.LN2;
}
