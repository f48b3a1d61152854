/** Device time of every launch of a step, by time stamps. */
import { DeviceError } from "../errors.ts";
import type { Cost } from "../graph/op.ts";
import type { OpenDevice } from "./device.ts";
import { readBuffers } from "./read_buffers.ts";
import type { Launch } from "./record_plan.ts";

/** One launch with the time it took. */
export interface LaunchTime {
  /** Path in the model. */
  readonly label: string;
  /** Shader and entry point. */
  readonly kernel: string;
  readonly seconds: number;
  readonly cost: Cost;
}

/** Queries that one set may hold, by the WebGPU specification. */
const MOST_QUERIES = 4096;

/**
 * Runs the launches with one pass each, because passes alone can be stamped portably. The passes cost host
 * time, so this gives shares, not the speed of training.
 *
 * @throws {DeviceError} If the adapter has no time stamps
 */
export async function timeLaunches(
  open: OpenDevice,
  launches: readonly Launch[],
): Promise<readonly LaunchTime[]> {
  if (!open.device.features.has("timestamp-query")) {
    throw new DeviceError(
      `Cannot profile kernels: "${open.facts.description}" has no timestamp-query`,
    );
  }
  const times: LaunchTime[] = [];
  for (let first = 0; first < launches.length; first += MOST_QUERIES / 2) {
    times.push(...await timeSome(open, launches.slice(first, first + MOST_QUERIES / 2)));
  }
  return times;
}

async function timeSome(
  open: OpenDevice,
  launches: readonly Launch[],
): Promise<readonly LaunchTime[]> {
  const { device } = open;
  const count = 2 * launches.length;
  const querySet = device.createQuerySet({ type: "timestamp", count });
  const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
  const buffer = device.createBuffer({ label: "time stamps", size: 8 * count, usage });
  try {
    const encoder = device.createCommandEncoder();
    launches.forEach(({ pipeline, bindGroup, x, y }, index) => {
      const pass = encoder.beginComputePass({
        timestampWrites: {
          querySet,
          beginningOfPassWriteIndex: 2 * index,
          endOfPassWriteIndex: 2 * index + 1,
        },
      });
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y);
      pass.end();
    });
    encoder.resolveQuerySet(querySet, 0, count, buffer, 0);
    device.queue.submit([encoder.finish()]);
    const [bytes] = await readBuffers(open, [{ buffer, byteOffset: 0, byteLength: 8 * count }]);
    const stamps = new BigUint64Array(bytes);
    return launches.map(({ label, kernel, cost }, index) => ({
      label,
      kernel,
      cost,
      seconds: Number(stamps[2 * index + 1] - stamps[2 * index]) / 1e9,
    }));
  } finally {
    buffer.destroy();
    querySet.destroy();
  }
}
