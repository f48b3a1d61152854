import { DeviceError, OutOfMemoryError } from "../errors.ts";
import { assertNotLost, type OpenDevice } from "./device.ts";

/** Part of a buffer; offset and length are multiples of four. */
export interface BufferRange {
  readonly buffer: GPUBuffer;
  readonly byteOffset: number;
  readonly byteLength: number;
}

/**
 * Copies ranges to the host in one wait: a read costs more than ten milliseconds whatever its size, so
 * callers gather what they want and ask once.
 *
 * @throws {DeviceLostError} If the device has been lost
 * @throws {DeviceError} If it reported an error outside of every error scope
 * @throws {OutOfMemoryError} If there is no memory for the copy
 */
export async function readBuffers(
  open: OpenDevice,
  ranges: readonly BufferRange[],
): Promise<readonly ArrayBuffer[]> {
  const total = ranges.reduce((sum, range) => sum + range.byteLength, 0);
  if (total === 0) return ranges.map(() => new ArrayBuffer(0));
  const { device } = open;
  open.assertAlive();
  device.pushErrorScope("out-of-memory");
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const staging = device.createBuffer({ label: "readback", size: total, usage });
  const error = await device.popErrorScope();
  if (error) {
    throw new OutOfMemoryError(`The device is out of memory for a readback of ${total} bytes`);
  }
  try {
    const encoder = device.createCommandEncoder();
    let offset = 0;
    for (const range of ranges) {
      if (range.byteLength > 0) {
        encoder.copyBufferToBuffer(
          range.buffer,
          range.byteOffset,
          staging,
          offset,
          range.byteLength,
        );
      }
      offset += range.byteLength;
    }
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ).catch(async (cause: unknown) => {
      await assertNotLost(open);
      throw new DeviceError(`Cannot read ${total} bytes from the device: ${String(cause)}`, {
        cause,
      });
    });
    open.assertAlive();
    const bytes = staging.getMappedRange().slice(0);
    let start = 0;
    return ranges.map(({ byteLength }) => bytes.slice(start, start += byteLength));
  } finally {
    staging.destroy();
  }
}
