import { DataError } from "../errors.ts";
import { sha256Hex } from "../random/sha256.ts";
import type { Pin } from "./corpora.ts";

/** What is being verified, for the message. */
export interface DigestCheck {
  /** Name of the text, e.g. `corpus "sotu"`. */
  readonly what: string;
  /** File or folder the bytes came from. */
  readonly where: string;
  /** Bytes are null where only the digest is pinned. */
  readonly expected: { readonly sha256: string; readonly bytes: number | null };
  /** What the user can do about a difference. */
  readonly remedy: string;
}

/**
 * SHA-256 and size of bytes, after checking them.
 * @throws {DataError} If digest or size differ from the expected ones; the message has both.
 */
export function verifyDigest(bytes: Uint8Array, check: DigestCheck): Pin {
  const sha256 = sha256Hex(bytes);
  const { expected } = check;
  if (sha256 !== expected.sha256 || (expected.bytes ?? bytes.length) !== bytes.length) {
    const size = expected.bytes === null ? "" : ` (${expected.bytes} bytes)`;
    throw new DataError(
      [
        `Cannot use ${check.what}: its bytes are not the pinned ones`,
        `  file:            ${check.where}`,
        `  expected sha256: ${expected.sha256}${size}`,
        `  found sha256:    ${sha256} (${bytes.length} bytes)`,
        `  what to do:      ${check.remedy}`,
      ].join("\n"),
    );
  }
  return { bytes: bytes.length, sha256 };
}
