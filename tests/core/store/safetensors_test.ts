import { assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../../../core/errors.ts";
import {
  safetensorsFromBytes,
  safetensorsToBytes,
  type TensorFile,
} from "../../../core/store/safetensors.ts";

// python3, safetensors 0.8.0: safetensors.numpy.save({"b/w": np.array([[1.5, -0.0], [3e-40, np.inf]], np.float32),
//   "a": np.array([0.1], np.float32)}, {"format": "x", "leaks": "true"}).hex()
const BY_PYTHON =
  "a0000000000000007b225f5f6d657461646174615f5f223a7b226c65616b73223a2274727565222c22666f726d" +
  "6174223a2278227d2c2261223a7b226474797065223a22463332222c227368617065223a5b315d2c22646174615f6f6666736574" +
  "73223a5b302c345d7d2c22622f77223a7b226474797065223a22463332222c227368617065223a5b322c325d2c22646174615f6f" +
  "666673657473223a5b342c32305d7d7d202020cdcccc3d0000c03f00000080474403000000807f";

const FILE: TensorFile = {
  metadata: { leaks: "true", format: "x" },
  tensors: new Map([
    ["a", { shape: [1], values: Float32Array.of(0.1) }],
    ["b/w", { shape: [2, 2], values: Float32Array.of(1.5, -0, 3e-40, Infinity) }],
  ]),
};

function refuses(bytes: Uint8Array, says: string): void {
  assertThrows(() => safetensorsFromBytes(bytes, { where: "x" }), StoreError, says);
}

/** A file with this header and so many zero bytes of values. */
function fileOf(header: unknown, values: number): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + values);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

function tensor(offsets: readonly number[], more: Readonly<Record<string, unknown>> = {}): unknown {
  return { dtype: "F32", shape: [1], data_offsets: offsets, ...more };
}

Deno.test("safetensorsToBytes() writes the bytes of the format's own writer", () => {
  assertEquals(safetensorsToBytes(FILE).toHex(), BY_PYTHON);
});

Deno.test("safetensorsFromBytes() reads them back bit by bit, at an odd offset too", () => {
  const bytes = Uint8Array.fromHex(`ff${BY_PYTHON}`).subarray(1);
  const { metadata, tensors } = safetensorsFromBytes(bytes, { where: "x" });
  assertEquals(metadata, FILE.metadata);
  assertEquals([...tensors.keys()], ["a", "b/w"]);
  for (const [name, { shape, values }] of FILE.tensors) {
    assertEquals(tensors.get(name)!.shape, shape);
    assertEquals(
      new Uint32Array(tensors.get(name)!.values.buffer),
      new Uint32Array(values.buffer),
    );
  }
});

Deno.test("safetensorsFromBytes() refuses a file that is cut off anywhere, or longer", () => {
  const bytes = Uint8Array.fromHex(BY_PYTHON);
  for (let length = 0; length < bytes.length; length++) refuses(bytes.subarray(0, length), '"x"');
  refuses(Uint8Array.fromHex(`${BY_PYTHON}00`), "belong to no tensor");
});

Deno.test("safetensorsFromBytes() refuses foreign files and other layouts", () => {
  refuses(new TextEncoder().encode("PK\x03\x04 a zip file of another program"), "another format");
  refuses(fileOf([], 0), "no JSON object");
  refuses(fileOf({ __metadata__: { step: 1 } }, 0), "more than texts");
  refuses(fileOf({ a: tensor([0, 4], { dtype: "F16" }) }, 4), '"a" should be F32');
  refuses(fileOf({ a: tensor([0, 4]), b: tensor([0, 4]) }, 4), '"b" should be F32 at bytes 4 to 8');
  refuses(fileOf({ a: tensor([4, 8]) }, 8), '"a" should be F32 at bytes 0 to 4');
  refuses(fileOf({ a: tensor([0, 4], { shape: [2] }) }, 4), "bytes 0 to 8 of 4");
  refuses(fileOf({ a: tensor([0, 4], { shape: [-1] }) }, 4), '"a" should be F32');
});
