import { assertEquals } from "@std/assert";
import { exactNumber } from "../../../core/store/exact_number.ts";

Deno.test("exactNumber() gives the big-endian bits of the double", () => {
  // python3 -c "import struct; print([struct.pack('>d', x).hex() for x in [1, -0.0, 0.1, 5e-324]])"
  const bits = [1, -0, 0.1, 5e-324].map((value) => exactNumber(value).bits);
  assertEquals(bits, [
    "3ff0000000000000",
    "8000000000000000",
    "3fb999999999999a",
    "0000000000000001",
  ]);
});
