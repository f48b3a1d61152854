/** Seconds per launch of kernels that compete on the same data. */
import { HarnessError } from "../errors.ts";
import type { Dispatch } from "../graph/op.ts";
import type { OpenDevice } from "./device.ts";
import type { PipelineCache } from "./pipeline.ts";
import { readBuffers } from "./read_buffers.ts";

/** How to measure. */
export interface TimingOptions {
  /** Seconds since any origin. */
  readonly seconds: () => number;
  /** Length of a block of launches with one readback, which itself costs ten milliseconds. */
  readonly blockSeconds: number;
  /** Blocks per kernel; 0 gives results and no times. Kernels take turns, so that a change of the machine's load meets all of them. */
  readonly rounds: number;
}

/** One kernel's result. */
export interface DispatchTime {
  /** Median over the rounds; NaN without any. */
  readonly secondsPerLaunch: number;
  /** Compilation and the first launch. */
  readonly firstSeconds: number;
  /** The last binding after one launch on the given contents. */
  readonly result: Uint32Array<ArrayBuffer>;
}

/**
 * Times dispatches whose bindings 0, 1, … are `contents`, of which the last is overwritten.
 *
 * @throws {HarnessError} If a dispatch has another number of bindings or more workgroups than one dimension holds
 */
export async function timeDispatches(
  open: OpenDevice,
  work: {
    readonly dispatches: readonly Dispatch[];
    readonly contents: readonly (Float32Array<ArrayBuffer> | Int32Array<ArrayBuffer>)[];
    readonly pipelines: PipelineCache;
    readonly timing: TimingOptions;
  },
): Promise<readonly DispatchTime[]> {
  const { device } = open;
  const { contents, pipelines, timing } = work;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffers = contents.map((values) => device.createBuffer({ size: values.byteLength, usage }));
  try {
    buffers.forEach((buffer, i) => device.queue.writeBuffer(buffer, 0, contents[i]));
    const bindGroup = device.createBindGroup({
      layout: pipelines.layout(buffers.length),
      entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
    });
    const output = buffers[buffers.length - 1];
    const runs: Run[] = [];
    for (const dispatch of work.dispatches) {
      assertLaunchable(open, { dispatch, bindings: buffers.length });
      device.queue.writeBuffer(output, 0, contents[contents.length - 1]);
      const began = timing.seconds();
      const pipeline = await pipelines.pipeline(dispatch);
      const kernel = { open, pipeline, bindGroup, workgroups: dispatch.workgroups, output };
      const result = new Uint32Array(await launch(kernel, { count: 1, byteLength: output.size }));
      const firstSeconds = timing.seconds() - began;
      const count = timing.rounds > 0 ? await blockCount(kernel, timing) : 0;
      runs.push({ kernel, count, firstSeconds, result, seconds: [] });
    }
    for (let round = 0; round < timing.rounds; round++) {
      for (const run of runs) {
        const began = timing.seconds();
        await launch(run.kernel, { count: run.count, byteLength: 4 });
        run.seconds.push((timing.seconds() - began) / run.count);
      }
    }
    return runs.map(({ seconds, firstSeconds, result }) => ({
      secondsPerLaunch: seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? NaN,
      firstSeconds,
      result,
    }));
  } finally {
    buffers.forEach((buffer) => buffer.destroy());
  }
}

interface Kernel {
  readonly open: OpenDevice;
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: number;
  readonly output: GPUBuffer;
}

interface Run {
  readonly kernel: Kernel;
  readonly count: number;
  readonly firstSeconds: number;
  readonly result: Uint32Array<ArrayBuffer>;
  readonly seconds: number[];
}

function assertLaunchable(
  { device }: OpenDevice,
  { dispatch, bindings }: { readonly dispatch: Dispatch; readonly bindings: number },
): void {
  const most = device.limits.maxComputeWorkgroupsPerDimension;
  if (dispatch.bindings.length !== bindings || dispatch.workgroups > most) {
    throw new HarnessError(
      `Cannot time "${dispatch.shader}/${dispatch.entryPoint}": expected ${bindings} bindings and at most ` +
        `${most} workgroups, got ${dispatch.bindings.length} and ${dispatch.workgroups}`,
    );
  }
}

/** Launches and waits: the readback is what makes the wait. */
async function launch(
  { open, pipeline, bindGroup, workgroups, output }: Kernel,
  { count, byteLength }: { readonly count: number; readonly byteLength: number },
): Promise<ArrayBuffer> {
  const encoder = open.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, bindGroup);
  for (let i = 0; i < count; i++) pass.dispatchWorkgroups(workgroups);
  pass.end();
  open.device.queue.submit([encoder.finish()]);
  const [bytes] = await readBuffers(open, [{ buffer: output, byteOffset: 0, byteLength }]);
  return bytes;
}

/** Launches that fill a block, found by doubling. */
async function blockCount(kernel: Kernel, timing: TimingOptions): Promise<number> {
  for (let count = 1;; count *= 2) {
    const began = timing.seconds();
    await launch(kernel, { count, byteLength: 4 });
    const seconds = timing.seconds() - began;
    if (seconds >= timing.blockSeconds / 2) {
      return Math.max(1, Math.ceil((count * timing.blockSeconds) / seconds));
    }
  }
}
