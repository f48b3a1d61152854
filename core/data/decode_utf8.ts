import { DataError } from "../errors.ts";

/**
 * The text of UTF-8 bytes, a byte-order mark included.
 * @throws {DataError} If the bytes are no UTF-8
 */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new DataError(
      `Cannot read ${what}: expected UTF-8, got other bytes among its ${bytes.length}; ` +
        `convert it, e.g. with iconv -t UTF-8, or use the byte tokenizer`,
      { cause },
    );
  }
}
