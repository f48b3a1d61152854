/** From a plan's launches to pipelines and bind groups that a step replays. */
import type { Cost } from "../graph/op.ts";
import type { ArenaBuffers } from "./arena_buffers.ts";
import type { PipelineCache } from "./pipeline.ts";
import type { PlannedLaunch } from "./plan_launches.ts";

/** One launch, ready to encode. */
export interface Launch {
  /** Index of the plan's step. */
  readonly step: number;
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

/** Compiles all pipelines, in parallel, and builds the bind groups. Limits were checked before (needs.ts). */
export async function recordPlan(device: GPUDevice, options: {
  readonly planned: readonly PlannedLaunch[];
  readonly arenas: ArenaBuffers;
  readonly pipelines: PipelineCache;
}): Promise<readonly Launch[]> {
  const { planned, arenas, pipelines } = options;
  const limit = device.limits.maxComputeWorkgroupsPerDimension;
  const compiled = await Promise.all(planned.map(({ dispatch }) => pipelines.pipeline(dispatch)));
  return planned.map(({ step, label, kernel, cost, dispatch, ranges }, index): Launch => {
    const [x, y] = fold(dispatch.workgroups, limit);
    const entries = ranges.map(({ tensor, offset, size }, binding) => ({
      binding,
      resource: { buffer: arenas.buffers[tensor.arena], offset, size },
    }));
    const layout = pipelines.layout(entries.length);
    const bindGroup = device.createBindGroup({ label, layout, entries });
    return { pipeline: compiled[index], bindGroup, x, y, step, label, kernel, cost };
  });
}

/** Folds a count of workgroups into two dimensions; surplus ones return at their bounds check. */
function fold(workgroups: number, limit: number): readonly [number, number] {
  if (workgroups <= limit) return [workgroups, 1];
  const y = Math.ceil(workgroups / limit);
  return [Math.ceil(workgroups / y), y];
}
