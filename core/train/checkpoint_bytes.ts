/**
 * A trainer's state as bytes and back: one line of JSON that says where the state belongs, then param, m
 * and v as little-endian f32.
 */
import { StoreError } from "../errors.ts";
import type { TrainerState } from "./trainer.ts";

/** What a state belongs to. It may only be continued where all of it is the same. */
export interface CheckpointOrigin {
  readonly planDigest: string;
  /** What computed it: backend, preset and adapter. */
  readonly engine: string;
}

interface Header extends CheckpointOrigin {
  readonly step: number;
  /** Values per arena. */
  readonly length: number;
}

export function checkpointToBytes(
  state: TrainerState,
  origin: CheckpointOrigin,
): Uint8Array<ArrayBuffer> {
  const { step, param, m, v } = state;
  const header: Header = { ...origin, step, length: param.length };
  const head = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
  const bytes = new Uint8Array(head.length + 12 * param.length);
  bytes.set(head);
  const view = new DataView(bytes.buffer, head.length);
  [param, m, v].forEach((arena, part) =>
    arena.forEach((value, i) => view.setFloat32(4 * (part * param.length + i), value, true))
  );
  return bytes;
}

/**
 * The state, or `undefined` when it belongs to another plan or engine and the run must start anew.
 *
 * @throws {StoreError} If the bytes are no checkpoint
 */
export function checkpointFromBytes(
  bytes: Uint8Array,
  origin: CheckpointOrigin,
): TrainerState | undefined {
  const end = bytes.indexOf(0x0a);
  const header = headerOf(new TextDecoder().decode(bytes.subarray(0, Math.max(0, end))));
  const { length = -1, step = -1 } = header;
  if (length < 0 || step < 0 || bytes.length !== end + 1 + 12 * length) {
    throw new StoreError(
      `Cannot read a checkpoint of ${bytes.length} bytes: it is truncated or of another version`,
    );
  }
  if (header.planDigest !== origin.planDigest || header.engine !== origin.engine) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + end + 1);
  const arena = (part: number): Float32Array =>
    Float32Array.from({ length }, (_, i) => view.getFloat32(4 * (part * length + i), true));
  return { step, param: arena(0), m: arena(1), v: arena(2) };
}

/** The header of the first line; an empty one for a line that is no JSON, which the caller refuses. */
function headerOf(line: string): Partial<Header> {
  try {
    return (JSON.parse(line) ?? {}) as Partial<Header>;
  } catch (cause) {
    if (cause instanceof SyntaxError) return {};
    throw cause;
  }
}
