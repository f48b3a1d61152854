/** The part that runs inside the browser, and what it hands back. */
import type { KernelSet } from "./collect_kernels.ts";

/** One message of the compiler on a text. */
export interface CompilerMessage {
  readonly type: "error" | "warning" | "info";
  /** From 1; 0 where the compiler gives none. */
  readonly line: number;
  readonly message: string;
}

/** The adapter, in the browser's words. */
export interface PageAdapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly description: string;
  readonly isFallbackAdapter: boolean;
}

/** What the page found. */
export interface PageReport {
  /** Null where the browser has no WebGPU adapter; then nothing was compiled. */
  readonly adapter: PageAdapter | null;
  /** Messages on each text, in the order of the request. */
  readonly texts: readonly (readonly CompilerMessage[])[];
  /** Refusal of each pipeline in the order of the request, null where it was made. */
  readonly kernels: readonly (string | null)[];
}

/** The report of a browser that has an adapter. */
export type CompiledReport = PageReport & { readonly adapter: PageAdapter };

/** What the page is to compile, and how many pipelines it asks for at a time. */
export type PageRequest = KernelSet & { readonly inFlight: number };

/**
 * Compiles a set of kernels on a device with WebGPU's default limits, which every adapter offers. The browser
 * gets the text of this function and nothing round it, so it may use no name from outside its braces.
 */
export async function compileInPage(request: PageRequest): Promise<PageReport> {
  const gpu = navigator.gpu as GPU | undefined;
  const adapter = await gpu?.requestAdapter();
  if (!adapter) return { adapter: null, texts: [], kernels: [] };
  const { vendor, architecture, description, isFallbackAdapter } = adapter.info;
  const device = await adapter.requestDevice();

  const modules = request.texts.map(({ source }) => device.createShaderModule({ code: source }));
  const texts = await Promise.all(modules.map(async (module) => {
    const { messages } = await module.getCompilationInfo();
    return messages.map(({ type, lineNum, message }) => ({ type, line: lineNum, message }));
  }));

  const layouts = new Map<number, GPUPipelineLayout>();
  const layoutOf = (count: number): GPUPipelineLayout => {
    const made = layouts.get(count) ?? device.createPipelineLayout({
      bindGroupLayouts: [device.createBindGroupLayout({
        entries: Array.from({ length: count }, (_, binding) => ({
          binding,
          visibility: GPUShaderStage.COMPUTE,
          buffer: { type: "storage" as const },
        })),
      })],
    });
    layouts.set(count, made);
    return made;
  };
  const compile = (kernel: PageRequest["kernels"][number]): Promise<string | null> =>
    device.createComputePipelineAsync({
      layout: layoutOf(kernel.bindings),
      compute: {
        module: modules[kernel.text],
        entryPoint: kernel.entryPoint,
        constants: { ...kernel.overrides },
      },
    }).then(() => null, (error: unknown) => String(error));

  const kernels: (string | null)[] = [];
  for (let first = 0; first < request.kernels.length; first += request.inFlight) {
    const some = request.kernels.slice(first, first + request.inFlight);
    kernels.push(...await Promise.all(some.map(compile)));
  }
  device.destroy();
  return { adapter: { vendor, architecture, description, isFallbackAdapter }, texts, kernels };
}
