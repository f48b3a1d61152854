/**
 * A trainer's state as bytes and back: one line of JSON that says where the state belongs, then param, m,
 * v and state as little-endian f32.
 */
import { StoreError } from "../errors.ts";
import type { TrainerState } from "./trainer.ts";

/** What a state belongs to. It may only be continued where plan and engine are the same. */
export interface CheckpointOrigin {
  readonly planDigest: string;
  /** What computed it: backend, preset and adapter. */
  readonly engine: string;
  /** Whether the model's predictions depend on later tokens; for readers of the file, as the plan says it, too. */
  readonly leaks: boolean;
}

/** Arenas of a state in the order in which they are stored. */
const PARTS = ["param", "m", "v", "state"] as const;

interface Header extends CheckpointOrigin {
  readonly step: number;
  /** Values of each part. */
  readonly lengths: readonly number[];
}

export function checkpointToBytes(
  state: TrainerState,
  origin: CheckpointOrigin,
): Uint8Array<ArrayBuffer> {
  const lengths = PARTS.map((part) => state[part].length);
  const header: Header = { ...origin, step: state.step, lengths };
  const head = new TextEncoder().encode(`${JSON.stringify(header)}\n`);
  const bytes = new Uint8Array(head.length + 4 * total(lengths));
  bytes.set(head);
  const view = new DataView(bytes.buffer, head.length);
  let at = 0;
  for (const part of PARTS) {
    state[part].forEach((value, i) => view.setFloat32(4 * (at + i), value, true));
    at += state[part].length;
  }
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
  const { lengths = [], step = -1 } = header;
  if (
    lengths.length !== PARTS.length || step < 0 || bytes.length !== end + 1 + 4 * total(lengths)
  ) {
    throw new StoreError(
      `Cannot read a checkpoint of ${bytes.length} bytes: it is truncated or of another version`,
    );
  }
  if (header.planDigest !== origin.planDigest || header.engine !== origin.engine) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset + end + 1);
  const arena = (part: number): Float32Array => {
    const first = total(lengths.slice(0, part));
    return Float32Array.from(
      { length: lengths[part] },
      (_, i) => view.getFloat32(4 * (first + i), true),
    );
  };
  return { step, param: arena(0), m: arena(1), v: arena(2), state: arena(3) };
}

function total(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
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
