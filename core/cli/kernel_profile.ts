/** Time per kernel of a training step, for `plan-step` and for `--profile-kernels` of a campaign. */
import { webGpuBackend } from "../gpu/backend.ts";
import { type KernelProfile, profileKernels } from "../gpu/profile_kernels.ts";
import type { StepInput } from "../plan/backend.ts";
import type { Plan } from "../plan/plan.ts";
import { initialParameters } from "../train/initial_parameters.ts";

/** Runs a plan a few times on webgpu and times its kernels. @throws {DeviceError} Without time stamps */
export async function profilePlan(plan: Plan): Promise<readonly KernelProfile[]> {
  const backend = await webGpuBackend();
  try {
    const program = await backend.compile(plan);
    try {
      program.write("param", initialParameters(plan, 42));
      return await profileKernels(program, zeroInputs(plan));
    } finally {
      program.destroy();
    }
  } finally {
    backend.destroy();
  }
}

/** Inputs of the right sizes; the time of a step hardly depends on which tokens it sees. */
function zeroInputs(plan: Plan): StepInput {
  return Object.fromEntries([...plan.inputs].map(([name, index]) => {
    const { dtype, shape } = plan.tensors[index].type;
    const size = shape.reduce((product, n) => product * n, 1);
    return [name, dtype === "i32" ? new Int32Array(size) : new Float32Array(size)];
  }));
}

/** A table of kernel times, slowest first. */
export function kernelsText(kernels: readonly KernelProfile[]): string {
  const rows = kernels.map((row) =>
    [
      row.kernel.padEnd(36),
      String(row.calls).padStart(5),
      (row.seconds * 1e3).toFixed(3).padStart(9),
      `${(100 * row.share).toFixed(1)} %`.padStart(8),
      row.gigaflopsPerSecond.toFixed(2).padStart(9),
      row.gigabytesPerSecond.toFixed(2).padStart(9),
    ].join(" ")
  );
  const head = `${"kernel".padEnd(36)} calls        ms    share   GFLOP/s      GB/s`;
  return [head, ...rows].join("\n");
}
