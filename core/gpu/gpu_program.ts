/** A compiled plan on a WebGPU device. */
import { DeviceError, HarnessError, OutOfMemoryError } from "../errors.ts";
import { BYTES_PER_ELEMENT, sizeOf } from "../graph/shape.ts";
import type { Program, StepInput } from "../plan/backend.ts";
import type { ArenaName, Plan } from "../plan/plan.ts";
import { placeInputs } from "../plan/step_input.ts";
import { type ArenaBuffers, destroyArenas } from "./arena_buffers.ts";
import { type OpenDevice, withProgress } from "./device.ts";
import { HostArenas, type StepPart } from "./host_arenas.ts";
import { type BufferRange, readBuffers } from "./read_buffers.ts";
import type { Launch } from "./record_plan.ts";
import { type LaunchTime, timeLaunches } from "./time_launches.ts";

/** Launches that a message names. */
const MOST_LABELS = 8;

/** A plan on a device. */
export class GpuProgram implements Program {
  readonly plan: Plan;
  readonly arenas: ArenaBuffers;
  readonly #open: OpenDevice;
  readonly #launches: readonly Launch[];
  /** The launches by submission; one part where no arena lives on the host. */
  readonly #parts: readonly StepPart[];
  readonly #staging: ArrayBuffer;
  /** Arenas whose home is host memory. */
  readonly #home: HostArenas;
  #submitted = 0;
  /** Steps that a read has waited for. */
  #finished = 0;
  /** What the scopes round the first step caught. */
  #firstError: Promise<Error | undefined> = Promise.resolve(undefined);

  constructor(open: OpenDevice, options: {
    readonly plan: Plan;
    readonly arenas: ArenaBuffers;
    readonly launches: readonly Launch[];
  }) {
    const progress = (): string =>
      `: ${this.#finished} of ${this.#submitted} steps of its program are known to be finished`;
    this.#open = withProgress(open, progress);
    this.plan = options.plan;
    this.arenas = options.arenas;
    this.#launches = options.launches;
    this.#staging = new ArrayBuffer(options.plan.arenaBytes.io);
    this.#home = new HostArenas(options.plan);
    this.#parts = this.#home.parts(options.launches);
  }

  write(arena: ArenaName, values: Float32Array): void {
    // Deno ends the process when it is handed an empty array.
    if (values.length === 0 || this.#home.write(arena, values)) return;
    this.#open.device.queue.writeBuffer(this.arenas.buffers[arena], 0, values.slice());
  }

  step(inputs: StepInput): void | Promise<void> {
    this.#open.assertAlive();
    if (this.#submitted > 0) this.#replay(inputs);
    else this.#firstError = this.#replayInScopes(inputs);
    this.#submitted += 1;
    if (this.plan.offloaded.length > 0) return this.#takeHome();
  }

  #replay(inputs: StepInput): void {
    this.#upload(inputs);
    for (const part of this.#parts) {
      this.#home.bring(this.#open.device.queue, { part, buffer: this.arenas.buffers.activation });
      this.#submit(part.launches);
    }
  }

  #submit(launches: readonly Launch[]): void {
    const { device } = this.#open;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    let current: GPUComputePipeline | undefined;
    for (const { pipeline, bindGroup, x, y } of launches) {
      if (pipeline !== current) pass.setPipeline(pipeline);
      current = pipeline;
      pass.setBindGroup(0, bindGroup);
      pass.dispatchWorkgroups(x, y);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
  }

  /** Reads offloaded arenas back; what a step does after their last use leaves their place alone. */
  async #takeHome(): Promise<void> {
    const buffer = this.arenas.buffers.activation;
    const ranges = this.plan.offloaded.map(({ tensor }) => {
      const { byteOffset, type } = this.plan.tensors[tensor];
      return { buffer, byteOffset, byteLength: sizeOf(type.shape) * BYTES_PER_ELEMENT };
    });
    const bytes = await this.#read(ranges);
    this.plan.offloaded.forEach(({ arena }, k) =>
      this.#home.write(arena, new Float32Array(bytes[k]))
    );
  }

  /** The first step shows whether the device takes the launches; the next read throws what it found. */
  #replayInScopes(inputs: StepInput): Promise<Error | undefined> {
    const { device } = this.#open;
    device.pushErrorScope("out-of-memory");
    device.pushErrorScope("validation");
    let caught: Promise<readonly (GPUError | null)[]>;
    try {
      this.#replay(inputs);
    } finally {
      caught = Promise.all([device.popErrorScope(), device.popErrorScope()]);
    }
    return caught.then((errors) => this.#refusal(errors));
  }

  #refusal([validation, memory]: readonly (GPUError | null)[]): Error | undefined {
    const error = validation ?? memory;
    if (!error) return undefined;
    const labels = [...new Set(this.#launches.map(({ label }) => label))];
    const more = labels.length > MOST_LABELS ? `, … ${labels.at(-1)}` : "";
    const text = `Cannot run the first step of a program of ${this.#launches.length} launches ` +
      `(${labels.slice(0, MOST_LABELS).join(", ")}${more}): ${error.message.trim()}`;
    return validation ? new DeviceError(text) : new OutOfMemoryError(text);
  }

  /** Runs one step with a time stamp round every launch. @throws {DeviceError} Without timestamp-query */
  profile(inputs: StepInput): Promise<readonly LaunchTime[]> {
    this.#open.assertAlive();
    if (this.plan.offloaded.length > 0) {
      throw new DeviceError("Cannot profile a plan whose arenas are kept in host memory");
    }
    this.#upload(inputs);
    return timeLaunches(this.#open, this.#launches);
  }

  #upload(inputs: StepInput): void {
    const { device } = this.#open;
    for (const { tensor, values } of placeInputs(this.plan, inputs)) {
      const kind = tensor.type.dtype === "i32" ? Int32Array : Float32Array;
      new kind(this.#staging, tensor.byteOffset, values.length).set(values);
    }
    if (this.#staging.byteLength > 0) {
      device.queue.writeBuffer(this.arenas.buffers.io, 0, this.#staging);
    }
  }

  async #read(ranges: readonly BufferRange[]): Promise<readonly ArrayBuffer[]> {
    const submitted = this.#submitted;
    const error = await this.#firstError;
    if (error) throw error;
    const bytes = await readBuffers(this.#open, ranges);
    this.#finished = submitted;
    return bytes;
  }

  async read(label: string): Promise<Float64Array> {
    const index = this.plan.outputs.get(label);
    if (index === undefined) {
      throw new HarnessError(`Cannot read "${label}": the plan has no such output`);
    }
    const { arena, byteOffset, type } = this.plan.tensors[index];
    const byteLength = sizeOf(type.shape) * BYTES_PER_ELEMENT;
    const [bytes] = await this.#read([{
      buffer: this.arenas.buffers[arena],
      byteOffset,
      byteLength,
    }]);
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
    const bytes = await this.#read(ranges);
    return names.map((name, k) => this.#home.read(name) ?? new Float32Array(bytes[k]));
  }

  destroy(): void {
    destroyArenas(this.arenas);
  }
}
