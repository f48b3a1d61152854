/** Launches of the kernels that convert between f32 and packed halves. */
import { type Binding, type Dispatch, input, output } from "../graph/op.ts";
import { dispatchThreads } from "./dispatch_threads.ts";

/** Bytes of a half in a packed tensor. */
export const HALF_BYTES = 2;
/** Bytes of an f32. */
export const SINGLE_BYTES = 4;

/** Numbers that one invocation converts: two vec4 of f32, one of words. */
const PER_INVOCATION = 8;

/** Numbers of one launch: 64 MiB of f32, half of what every adapter can bind; a multiple of 128. */
const PER_LAUNCH = 2 ** 24;

/** What is converted. */
export interface HalfConversion {
  readonly source: string;
  readonly shader: string;
  /** Numbers, whatever their form. */
  readonly size: number;
  /** Bytes of a number as it is read. */
  readonly bytesRead: number;
  /** Bytes of a number as it is written. */
  readonly bytesWritten: number;
}

/**
 * One launch, or several of `perLaunch` numbers (a multiple of 128, so that parts of words lie at multiples
 * of 256 bytes). How it is cut depends on sizes alone, so that plans are the same on every adapter.
 */
export function halfLaunches(
  conversion: HalfConversion,
  { perLaunch = PER_LAUNCH }: { readonly perLaunch?: number } = {},
): readonly Dispatch[] {
  const { source, shader, size } = conversion;
  return Array.from({ length: Math.max(1, Math.ceil(size / perLaunch)) }, (_, index): Dispatch => {
    const first = index * perLaunch;
    const here = Math.min(perLaunch, size - first);
    // The last part reaches to the end of the tensor, whose bytes are padded to whole vec4.
    const cut = (binding: Binding, bytes: number): Binding => ({
      ...binding,
      byteOffset: bytes * first,
      ...(first + here < size ? { byteLength: bytes * here } : {}),
    });
    return dispatchThreads({
      source,
      shader,
      threads: Math.ceil(here / PER_INVOCATION),
      overrides: { SIZE: here },
      bindings: [cut(input(0), conversion.bytesRead), cut(output(0), conversion.bytesWritten)],
    });
  });
}
