import { createHash } from "node:crypto";

/** SHA-256 of bytes or of the UTF-8 form of a text, as 64 lower-case hexadecimal digits (FIPS 180-4). */
export function sha256Hex(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}
