/**
 * Named f32 tensors in one file: eight bytes of header length, a JSON header, then the values.
 *
 * Source: the safetensors format, huggingface.co/docs/safetensors ("Format"): the length is an unsigned 64-bit
 * little-endian integer, offsets count from the end of the header, `__metadata__` maps text to text, and the
 * values lie without gaps.
 */
import { StoreError } from "../errors.ts";

/** Values of one tensor, row-major. */
export interface SavedTensor {
  /** Sizes, outermost first. */
  readonly shape: readonly number[];
  /** As many values as the shape has places. */
  readonly values: Float32Array;
}

/** What a file of tensors holds. */
export interface TensorFile {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, SavedTensor>;
}

const LENGTH_BYTES = 8;
const VALUE_BYTES = 4;
const METADATA = "__metadata__";

/** Values begin at a multiple of this many bytes, as the format's own writer leaves them. */
const ALIGNMENT = 8;

/** The bytes of a file, tensors in the order of their map. */
export function safetensorsToBytes({ metadata, tensors }: TensorFile): Uint8Array<ArrayBuffer> {
  let end = 0;
  const entries = Array.from(tensors, ([name, { shape, values }]) => {
    if (name === METADATA || values.length !== placesOf(shape)) {
      throw new StoreError(
        `Cannot save tensor "${name}": expected ${placesOf(shape)} values, got ${values.length}`,
      );
    }
    const begin = end;
    end += VALUE_BYTES * values.length;
    return [name, { dtype: "F32", shape, data_offsets: [begin, end] }] as const;
  });
  const header = JSON.stringify({ [METADATA]: metadata, ...Object.fromEntries(entries) });
  const encoded = new TextEncoder().encode(header);
  const padded = Math.ceil(encoded.length / ALIGNMENT) * ALIGNMENT;
  const bytes = new Uint8Array(LENGTH_BYTES + padded + end);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(padded), true);
  bytes.fill(0x20, LENGTH_BYTES, LENGTH_BYTES + padded);
  bytes.set(encoded, LENGTH_BYTES);
  let at = LENGTH_BYTES + padded;
  for (const { values } of tensors.values()) {
    for (const value of values) {
      view.setFloat32(at, value, true);
      at += VALUE_BYTES;
    }
  }
  return bytes;
}

/**
 * What the bytes hold. `where` names their source in messages.
 *
 * @throws {StoreError} If they are no such file, are cut off, or hold anything but f32 values without gaps
 */
export function safetensorsFromBytes(
  bytes: Uint8Array,
  { where }: { readonly where: string },
): TensorFile {
  const refuse = (why: string): StoreError =>
    new StoreError(`Cannot read "${where}" (${bytes.length} bytes) as safetensors: ${why}`);
  const { header, begin } = headerOf(bytes, refuse);
  const { [METADATA]: metadata = {}, ...entries } = header;
  if (!isTextRecord(metadata)) throw refuse(`${METADATA} holds more than texts`);
  const view = new DataView(bytes.buffer, bytes.byteOffset + begin, bytes.length - begin);
  let end = 0;
  const tensors = Object.entries(entries).map(([name, entry]) => ({ name, ...entryOf(entry) }))
    .sort((a, b) => a.begin - b.begin || a.end - b.end)
    .map((entry) => {
      const size = VALUE_BYTES * placesOf(entry.shape);
      if (entry.begin !== end || entry.end !== end + size || entry.end > view.byteLength) {
        throw refuse(
          `tensor "${entry.name}" should be F32 at bytes ${end} to ${
            end + size
          } of ${view.byteLength}; ` +
            `the file is cut off, damaged or of other types`,
        );
      }
      const first = end;
      end = entry.end;
      const values = Float32Array.from(
        { length: placesOf(entry.shape) },
        (_, i) => view.getFloat32(first + VALUE_BYTES * i, true),
      );
      return [entry.name, { shape: entry.shape, values }] as const;
    });
  if (end !== view.byteLength) throw refuse(`${view.byteLength - end} bytes belong to no tensor`);
  return { metadata, tensors: new Map(tensors) };
}

function headerOf(bytes: Uint8Array, refuse: (why: string) => StoreError): {
  readonly header: Readonly<Record<string, unknown>>;
  /** Where the values begin. */
  readonly begin: number;
} {
  if (bytes.length < LENGTH_BYTES) throw refuse("it is shorter than the length of a header");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > BigInt(bytes.length - LENGTH_BYTES)) {
    throw refuse(
      `its header should have ${length} bytes; the file is cut off or of another format`,
    );
  }
  const begin = LENGTH_BYTES + Number(length);
  try {
    const text = new TextDecoder("utf-8", { fatal: true });
    const header: unknown = JSON.parse(text.decode(bytes.subarray(LENGTH_BYTES, begin)));
    if (isRecord(header)) return { header, begin };
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof TypeError)) throw cause;
  }
  throw refuse("its header is no JSON object");
}

interface Entry {
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Offsets of NaN, which fit nowhere, for an entry of another form. */
const NO_ENTRY: Entry = { shape: [], begin: NaN, end: NaN };

function entryOf(value: unknown): Entry {
  if (!isRecord(value) || value.dtype !== "F32") return NO_ENTRY;
  const { shape, data_offsets: offsets } = value;
  if (!isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) return NO_ENTRY;
  return { shape, begin: offsets[0], end: offsets[1] };
}

function placesOf(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTextRecord(value: unknown): value is Readonly<Record<string, string>> {
  return isRecord(value) && Object.values(value).every((text) => typeof text === "string");
}

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}
