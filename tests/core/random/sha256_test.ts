import { assertEquals } from "@std/assert";
import { sha256Hex } from "../../../core/random/sha256.ts";

// FIPS 180-4 examples as published by NIST (SHA256.pdf, and the long message of one million "a").
const KNOWN: readonly (readonly [text: string, digest: string])[] = [
  ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
  [
    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
  ],
  ["a".repeat(1_000_000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"],
];

Deno.test("sha256Hex() gives the digests that NIST publishes, texts and bytes", () => {
  for (const [text, digest] of KNOWN) {
    assertEquals(sha256Hex(text), digest);
    assertEquals(sha256Hex(new TextEncoder().encode(text)), digest);
  }
});

Deno.test("sha256Hex() reads a text as UTF-8 and a part of a buffer as that part", () => {
  // python3: hashlib.sha256("größe".encode()).hexdigest()
  const digest = "d353a2671b67afff0941ae456e5c76e9394bd6579774ae7542a6185fb9843384";
  assertEquals(sha256Hex("größe"), digest);
  const padded = new Uint8Array([1, ...new TextEncoder().encode("größe"), 2]);
  assertEquals(sha256Hex(padded.subarray(1, -1)), digest);
});
