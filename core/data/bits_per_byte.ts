/**
 * Bits per UTF-8 byte of a loss in nats per token (docs/mathematics.md §2), which unlike a perplexity
 * compares between tokenizers. `bytes` are those of the text of the `tokens` that the loss is a mean over.
 */
export function bitsPerByte(
  natsPerToken: number,
  text: { readonly tokens: number; readonly bytes: number },
): number {
  // Tokens per byte first: it is exactly 1 for bytes, and then the quotient has the bits of loss / ln 2.
  return natsPerToken * (text.tokens / text.bytes) / Math.LN2;
}
