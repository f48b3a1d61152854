/** The only place that makes shader modules and pipelines, because invalid WGSL does not throw by itself. */
import { ShaderError } from "../errors.ts";
import type { Dispatch } from "../graph/op.ts";
import { sha256Hex } from "../random/sha256.ts";

/** Compiled pipelines by shader text, entry point and overrides, shared by all programs of a device. */
export class PipelineCache {
  readonly #device: GPUDevice;
  readonly #modules = new Map<string, GPUShaderModule>();
  readonly #layouts = new Map<number, GPUBindGroupLayout>();
  readonly #pipelines = new Map<string, Promise<GPUComputePipeline>>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Number of distinct pipelines made so far. */
  get size(): number {
    return this.#pipelines.size;
  }

  /** Bind group layout of `count` storage buffers, all read_write (one arena may be bound more than once). */
  layout(count: number): GPUBindGroupLayout {
    const known = this.#layouts.get(count);
    if (known) return known;
    const made = this.#device.createBindGroupLayout({
      entries: Array.from({ length: count }, (_, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type: "storage" as const },
      })),
    });
    this.#layouts.set(count, made);
    return made;
  }

  /** The pipeline of a dispatch. @throws {ShaderError} With shader, entry point and the compiler's message */
  pipeline(dispatch: Dispatch): Promise<GPUComputePipeline> {
    const { source, entryPoint, overrides, bindings } = dispatch;
    const key = sha256Hex(JSON.stringify([source, entryPoint, overrides, bindings.length]));
    const known = this.#pipelines.get(key);
    if (known) return known;
    const made = this.#create(dispatch);
    this.#pipelines.set(key, made);
    return made;
  }

  async #create(dispatch: Dispatch): Promise<GPUComputePipeline> {
    const { shader, entryPoint, overrides, bindings } = dispatch;
    const where = `shader "${shader}", entry point "${entryPoint}"`;
    const module = await this.#module(dispatch.source, where);
    const layout = this.#device.createPipelineLayout({
      bindGroupLayouts: [this.layout(bindings.length)],
    });
    this.#device.pushErrorScope("validation");
    const pipeline = this.#device.createComputePipelineAsync({
      label: `${shader}/${entryPoint}`,
      layout,
      compute: { module, entryPoint, constants: { ...overrides } },
    }).catch((cause: unknown) => cause instanceof Error ? cause : new Error(String(cause)));
    const scope = this.#device.popErrorScope();
    const [made, error] = await Promise.all([pipeline, scope]);
    if (made instanceof Error || error) {
      const text = [made instanceof Error ? made.message : "", error?.message ?? ""].filter((t) =>
        t
      ).join("\n");
      throw new ShaderError(
        `Cannot compile ${where}, overrides ${JSON.stringify(overrides)}: ${text.trim()}`,
      );
    }
    return made;
  }

  async #module(source: string, where: string): Promise<GPUShaderModule> {
    const known = this.#modules.get(source);
    if (known) return known;
    this.#device.pushErrorScope("validation");
    const module = this.#device.createShaderModule({ code: source });
    const error = await this.#device.popErrorScope();
    if (error) throw new ShaderError(`Cannot compile ${where}: ${error.message.trim()}`);
    const info = await module.getCompilationInfo();
    const problem = info.messages.find((message) => message.type === "error");
    if (problem) {
      throw new ShaderError(`Cannot compile ${where}: line ${problem.lineNum}: ${problem.message}`);
    }
    this.#modules.set(source, module);
    return module;
  }
}
