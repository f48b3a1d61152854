/** How a linear scan cuts its axis: from its length alone, so that no adapter can change an order. */

/** Axes up to here are walked in one piece. */
const ONE_PIECE = 256;

/** Chunks for an axis of `length` positions. Long axes take longer chunks, so that carries stay few. */
export function linearScanChunks(
  length: number,
): { readonly chunk: number; readonly chunks: number } {
  const chunk = length <= ONE_PIECE ? Math.max(1, length) : length < 32768 ? 128 : 256;
  return { chunk, chunks: Math.ceil(length / chunk) };
}
