import type { ExactNumber } from "./record.ts";

/** A finite number with its bits: 1 → {value: 1, bits: "3ff0000000000000"} (IEEE 754, big-endian). */
export function exactNumber(value: number): ExactNumber {
  return { value, bits: bitsOf(value) };
}

/** Bits of a double as 16 hexadecimal digits, big-endian. */
export function bitsOf(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}
