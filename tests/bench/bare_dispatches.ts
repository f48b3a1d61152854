/** What WebGPU itself costs the host: a thousand dispatches of a kernel that does nothing, in one submission. */
import { type Quartiles, quartiles } from "./quartiles.ts";

const DISPATCHES = 1000;
const REPETITIONS = 24;
/** Bindings of a launch; a training step has between 2 and 8. */
const BINDINGS = 4;

const SOURCE = `${
  Array.from(
    { length: BINDINGS },
    (_, k) => `@group(0) @binding(${k}) var<storage, read_write> b${k}: array<f32>;`,
  ).join("\n")
}
@compute @workgroup_size(1) fn main() { ${
  Array.from({ length: BINDINGS }, (_, k) => `if (b${k}[0] == 7f) { b${k}[1] = 1f; }`).join(" ")
} }`;

/** Microseconds per dispatch to encode, finish and submit, the device being idle before. */
export async function bareDispatches(): Promise<Quartiles> {
  const adapter = await navigator.gpu.requestAdapter();
  if (!adapter) throw new Error("There is no adapter to measure");
  const device = await adapter.requestDevice();
  const buffer = device.createBuffer({ size: 256 * 16, usage: GPUBufferUsage.STORAGE });
  const layout = device.createBindGroupLayout({
    entries: Array.from({ length: BINDINGS }, (_, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: "storage" as const },
    })),
  });
  const pipeline = await device.createComputePipelineAsync({
    layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
    compute: { module: device.createShaderModule({ code: SOURCE }), entryPoint: "main" },
  });
  const groups = [0, 1, 2].map((first) =>
    device.createBindGroup({
      layout,
      entries: Array.from({ length: BINDINGS }, (_, binding) => ({
        binding,
        resource: { buffer, offset: 256 * (BINDINGS * first + binding), size: 256 },
      })),
    })
  );
  const times: number[] = [];
  for (let repetition = 0; repetition < REPETITIONS; repetition++) {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (let index = 0; index < DISPATCHES; index++) {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, groups[index % groups.length]);
      pass.dispatchWorkgroups(1, 1);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
    times.push(1e3 * (performance.now() - start) / DISPATCHES);
    await device.queue.onSubmittedWorkDone();
  }
  buffer.destroy();
  device.destroy();
  return quartiles(times.slice(4));
}
