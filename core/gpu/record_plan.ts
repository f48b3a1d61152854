/** From a plan to a flat list of launches that a step replays. */
import { DeviceError, HarnessError } from "../errors.ts";
import type { Binding, Cost, Dispatch, Preset, Site } from "../graph/op.ts";
import type { PlacedTensor, Plan, PlanStep } from "../plan/plan.ts";
import type { ArenaBuffers } from "./arena_buffers.ts";
import type { PipelineCache } from "./pipeline.ts";

/** One launch, ready to encode. */
export interface Launch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly x: number;
  readonly y: number;
  readonly label: string;
  /** Shader and entry point, "matmul/rows_8". */
  readonly kernel: string;
  /** Arithmetic and traffic of the step, divided evenly over its launches. */
  readonly cost: Cost;
}

/** Compiles all pipelines of a plan, in parallel, and builds its bind groups. */
export async function recordPlan(device: GPUDevice, options: {
  readonly plan: Plan;
  readonly preset: Preset;
  readonly arenas: ArenaBuffers;
  readonly pipelines: PipelineCache;
}): Promise<readonly Launch[]> {
  const { plan, preset, arenas, pipelines } = options;
  const limit = device.limits.maxComputeWorkgroupsPerDimension;
  const items = plan.steps.flatMap((step) => {
    const site = siteOf(plan, step);
    const dispatches = step.op.lower.webgpu(site, preset);
    const { flops, bytes } = step.op.cost(site);
    const cost = { flops: flops / dispatches.length, bytes: bytes / dispatches.length };
    return dispatches.map((dispatch) => ({ step, dispatch, cost }));
  });
  const compiled = await Promise.all(items.map(({ dispatch }) => pipelines.pipeline(dispatch)));
  return items.map(({ step, dispatch, cost }, index) => {
    const [x, y] = fold(dispatch.workgroups, { limit, label: step.label });
    return {
      pipeline: compiled[index],
      bindGroup: bind(device, { plan, step, dispatch, arenas, pipelines }),
      x,
      y,
      label: step.label,
      kernel: `${dispatch.shader}/${dispatch.entryPoint}`,
      cost,
    };
  });
}

function siteOf(plan: Plan, step: PlanStep): Site {
  return {
    inputs: step.reads.map((index) => plan.tensors[index].type),
    outputs: step.writes.map((index) => plan.tensors[index].type),
    attributes: step.attributes,
  };
}

/** Folds a count of workgroups into two dimensions; surplus ones return at their bounds check. */
function fold(
  workgroups: number,
  options: { readonly limit: number; readonly label: string },
): readonly [number, number] {
  if (workgroups <= options.limit) return [workgroups, 1];
  const y = Math.ceil(workgroups / options.limit);
  if (y > options.limit) {
    throw new DeviceError(
      `Cannot launch "${options.label}": ${workgroups} workgroups exceed the adapter's grid`,
    );
  }
  return [Math.ceil(workgroups / y), y];
}

function bind(device: GPUDevice, options: {
  readonly plan: Plan;
  readonly step: PlanStep;
  readonly dispatch: Dispatch;
  readonly arenas: ArenaBuffers;
  readonly pipelines: PipelineCache;
}): GPUBindGroup {
  const { plan, step, dispatch, arenas, pipelines } = options;
  const ranges = dispatch.bindings.map((binding) => rangeOf(plan, { step, binding }));
  assertDisjoint(ranges, step.label);
  const entries = ranges.map(({ tensor, offset, size }, binding) => {
    if (size > device.limits.maxStorageBufferBindingSize) {
      throw new DeviceError(
        `Cannot bind tensor "${tensor.label}": it has ${size} bytes, ` +
          `the adapter binds at most ${device.limits.maxStorageBufferBindingSize}`,
      );
    }
    return { binding, resource: { buffer: arenas.buffers[tensor.arena], offset, size } };
  });
  return device.createBindGroup({
    label: step.label,
    layout: pipelines.layout(entries.length),
    entries,
  });
}

interface Range {
  readonly tensor: PlacedTensor;
  readonly offset: number;
  readonly size: number;
}

function rangeOf(
  plan: Plan,
  { step, binding }: { readonly step: PlanStep; readonly binding: Binding },
): Range {
  const lists = { input: step.reads, output: step.writes, scratch: step.scratch };
  const tensor = plan.tensors[lists[binding.role][binding.index]];
  const start = binding.byteOffset ?? 0;
  return {
    tensor,
    offset: tensor.byteOffset + start,
    size: binding.byteLength ?? tensor.byteLength - start,
  };
}

/** Two writable bindings of one range are invalid in WebGPU; say which tensors, not which buffer. */
function assertDisjoint(ranges: readonly Range[], label: string): void {
  ranges.forEach((a, i) => {
    for (const b of ranges.slice(i + 1)) {
      const same = a.tensor.arena === b.tensor.arena;
      if (same && a.offset < b.offset + b.size && b.offset < a.offset + a.size) {
        throw new HarnessError(
          `Cannot launch "${label}": tensors "${a.tensor.label}" and "${b.tensor.label}" share memory`,
        );
      }
    }
  });
}
