/** Time per kernel of a compiled step. */
import { DeviceError } from "../errors.ts";
import type { Program, StepInput } from "../plan/backend.ts";
import { GpuProgram } from "./gpu_program.ts";

/** All launches of one kernel in one step. */
export interface KernelProfile {
  /** Shader and entry point. */
  readonly kernel: string;
  /** Launches per step. */
  readonly calls: number;
  /** Seconds per step, the median over the profiled steps. */
  readonly seconds: number;
  /** Share of the step's kernel time. */
  readonly share: number;
  readonly gigaflopsPerSecond: number;
  readonly gigabytesPerSecond: number;
}

/** Steps before times are kept: the first ones compile and fault memory in. */
const WARM_UP = 1;
const TIMED = 5;

/**
 * Profiles a program by time stamps, slowest kernel first. Inputs are the same for every step.
 *
 * @throws {DeviceError} If the program is not on WebGPU or the adapter has no time stamps
 */
export async function profileKernels(
  program: Program,
  inputs: StepInput,
): Promise<readonly KernelProfile[]> {
  if (!(program instanceof GpuProgram)) {
    throw new DeviceError("Cannot profile kernels: the program does not run on webgpu");
  }
  const runs: ReadonlyMap<string, Totals>[] = [];
  for (let step = 0; step < WARM_UP + TIMED; step++) {
    const totals = new Map<string, Totals>();
    for (const { kernel, seconds, cost } of await program.profile(inputs)) {
      const old = totals.get(kernel) ?? { calls: 0, seconds: 0, flops: 0, bytes: 0 };
      totals.set(kernel, {
        calls: old.calls + 1,
        seconds: old.seconds + seconds,
        flops: old.flops + cost.flops,
        bytes: old.bytes + cost.bytes,
      });
    }
    if (step >= WARM_UP) runs.push(totals);
  }
  return summarise(runs);
}

interface Totals {
  readonly calls: number;
  readonly seconds: number;
  readonly flops: number;
  readonly bytes: number;
}

function summarise(runs: readonly ReadonlyMap<string, Totals>[]): readonly KernelProfile[] {
  const rows = [...runs[0]].map(([kernel, { calls, flops, bytes }]) => {
    const times = runs.map((run) => run.get(kernel)!.seconds).sort((a, b) => a - b);
    const seconds = times[Math.floor(times.length / 2)];
    return { kernel, calls, flops, bytes, seconds };
  });
  const total = rows.reduce((sum, row) => sum + row.seconds, 0);
  return rows.sort((a, b) => b.seconds - a.seconds).map(({ flops, bytes, ...row }) => ({
    ...row,
    share: row.seconds / total,
    gigaflopsPerSecond: flops / row.seconds / 1e9,
    gigabytesPerSecond: bytes / row.seconds / 1e9,
  }));
}
