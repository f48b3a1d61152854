import type { Tokenizer } from "../data/tokenizer.ts";

/** Longest label; what is cut off is marked by two points. */
const LONGEST = 12;

/**
 * What each token looks like on an axis, (N), in visible characters of ASCII: "·" for a space, "\n" for a new
 * line, "\xe9" for a byte that is none.
 */
export function tokenLabels(
  ids: Int32Array,
  { piece }: Pick<Tokenizer, "piece">,
): readonly string[] {
  return Array.from(ids, (id, i) => {
    const bytes = piece(id, i === 0 ? null : ids[i - 1]);
    // A space in front of a word says nothing where every token has a column of its own.
    const shown = bytes.length > 1 && bytes[0] === 0x20 ? bytes.subarray(1) : bytes;
    const label = Array.from(shown, byteLabel).join("");
    return label.length <= LONGEST ? label : `${label.slice(0, LONGEST - 2)}..`;
  });
}

function byteLabel(byte: number): string {
  if (byte === 0x20) return "·";
  if (byte === 0x0a) return "\\n";
  if (byte > 0x20 && byte < 0x7f) return String.fromCharCode(byte);
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
