/** The WebGPU backend: compiles plans and replays them, one submission per step. */
import { HarnessError } from "../errors.ts";
import type { Preset } from "../graph/op.ts";
import { BYTES_PER_ELEMENT, sizeOf } from "../graph/shape.ts";
import type { Backend, BackendFacts, Program, StepInput } from "../plan/backend.ts";
import type { ArenaName, Plan } from "../plan/plan.ts";
import { placeInputs } from "../plan/step_input.ts";
import { allocateArenas, type ArenaBuffers, destroyArenas } from "./arena_buffers.ts";
import { type OpenDevice, openDevice } from "./device.ts";
import { PipelineCache } from "./pipeline.ts";
import { readBuffers } from "./read_buffers.ts";
import { type LaunchTime, timeLaunches } from "./time_launches.ts";
import { type Launch, recordPlan } from "./record_plan.ts";
import { selfTest } from "./self_test.ts";

/** Settings of the WebGPU backend. */
export interface WebGpuOptions {
  /** Tiles to use. @default "software-adapter" on a fallback adapter, else "gpu" */
  readonly preset?: Preset;
}

/**
 * Opens a device, proves its arithmetic with the self-test, and returns the backend.
 *
 * @throws {NoAdapterError} If there is no adapter
 * @throws {DeviceError} If the self-test fails
 */
export async function webGpuBackend(options: WebGpuOptions = {}): Promise<Backend> {
  const open = await openDevice();
  const preset = options.preset ?? (open.facts.isFallbackAdapter ? "software-adapter" : "gpu");
  const pipelines = new PipelineCache(open.device);
  const facts: BackendFacts = {
    name: "webgpu",
    preset,
    adapter: open.facts,
    selfTest: await selfTest(open.device, pipelines),
  };
  return {
    facts,
    compile: async (plan, { parametersOf } = {}) => {
      if (parametersOf && !(parametersOf instanceof GpuProgram)) {
        throw new HarnessError("Cannot share parameters with a program of another backend");
      }
      open.assertAlive();
      const shared = parametersOf?.arenas.buffers.param;
      const arenas = await allocateArenas(open.device, { plan, shared });
      const launches = await recordPlan(open.device, { plan, preset, arenas, pipelines });
      return new GpuProgram(open, { plan, arenas, launches });
    },
    destroy: () => open.device.destroy(),
  };
}

/** A plan on a device. */
export class GpuProgram implements Program {
  readonly plan: Plan;
  readonly arenas: ArenaBuffers;
  readonly #open: OpenDevice;
  readonly #launches: readonly Launch[];
  readonly #staging: ArrayBuffer;

  constructor(open: OpenDevice, options: {
    readonly plan: Plan;
    readonly arenas: ArenaBuffers;
    readonly launches: readonly Launch[];
  }) {
    this.#open = open;
    this.plan = options.plan;
    this.arenas = options.arenas;
    this.#launches = options.launches;
    this.#staging = new ArrayBuffer(options.plan.arenaBytes.io);
  }

  write(arena: ArenaName, values: Float32Array): void {
    this.#open.device.queue.writeBuffer(this.arenas.buffers[arena], 0, values.slice());
  }

  step(inputs: StepInput): void {
    this.#upload(inputs);
    const { device } = this.#open;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const { pipeline, bindGroup, x, y } of this.#launches) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  /** Runs one step with a time stamp round every launch. @throws {DeviceError} Without timestamp-query */
  profile(inputs: StepInput): Promise<readonly LaunchTime[]> {
    this.#upload(inputs);
    return timeLaunches(this.#open, this.#launches);
  }

  #upload(inputs: StepInput): void {
    this.#open.assertAlive();
    const { device } = this.#open;
    for (const { tensor, values } of placeInputs(this.plan, inputs)) {
      const kind = tensor.type.dtype === "i32" ? Int32Array : Float32Array;
      new kind(this.#staging, tensor.byteOffset, values.length).set(values);
    }
    if (this.#staging.byteLength > 0) {
      device.queue.writeBuffer(this.arenas.buffers.io, 0, this.#staging);
    }
  }

  async read(label: string): Promise<Float64Array> {
    const index = this.plan.outputs.get(label);
    if (index === undefined) {
      throw new HarnessError(`Cannot read "${label}": the plan has no such output`);
    }
    const { arena, byteOffset, type } = this.plan.tensors[index];
    const byteLength = sizeOf(type.shape) * BYTES_PER_ELEMENT;
    const buffer = this.arenas.buffers[arena];
    const [bytes] = await readBuffers(this.#open, [{ buffer, byteOffset, byteLength }]);
    return Float64Array.from(
      type.dtype === "i32" ? new Int32Array(bytes) : new Float32Array(bytes),
    );
  }

  async readArenas(names: readonly ArenaName[]): Promise<readonly Float32Array[]> {
    const ranges = names.map((name) => ({
      buffer: this.arenas.buffers[name],
      byteOffset: 0,
      byteLength: this.plan.arenaBytes[name],
    }));
    return (await readBuffers(this.#open, ranges)).map((bytes) => new Float32Array(bytes));
  }

  destroy(): void {
    destroyArenas(this.arenas);
  }
}
